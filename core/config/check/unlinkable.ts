/**
 * The preset `unlinkable`: one use a token and no pseudonym, so that nothing that a log carries says which other logs are
 * the same client's (docs/privacy.md, "Every log by itself").
 *
 * @module
 */
import type { z } from "zod";
import type { Written } from "../types.ts";
import { say } from "./json.ts";

/** Tokens of one request: most clients then ask once a day, and who asks twice stands among fewer. */
const BATCH = 128;
/** Batches of a client and key. */
const BATCHES = 2;

/** What the preset sets. */
interface Preset<Limit> {
  readonly usesPerToken: 1;
  readonly pseudonymSeconds: false;
  readonly maxBatch: Limit;
  readonly tokensPerClient: Limit;
}

/** What the preset sets beside what is written of it: nothing where it is not asked for. */
export function unlinkablePreset<Limit>(
  written: { readonly unlinkable?: unknown; readonly maxBatch?: Limit; readonly tokensPerClient?: Limit },
): Preset<Limit | number> | undefined {
  if (written.unlinkable !== true) return undefined;
  const { maxBatch = BATCH } = written;
  const { tokensPerClient = BATCHES * Number(maxBatch) } = written;
  return { usesPerToken: 1, pseudonymSeconds: false, maxBatch, tokensPerClient };
}

/** Refuses what would link the logs of one client all the same. */
export function checkUnlinkable(written: Written, context: z.RefinementCtx<unknown>): void {
  const preset = unlinkablePreset(written);
  if (preset === undefined) return;
  const { usesPerToken = 1, pseudonymSeconds = false } = written;
  if (usesPerToken !== 1) {
    say(context, ["usesPerToken"], "remove it: with unlinkable each token signs one log");
  }
  if (pseudonymSeconds !== false) {
    say(
      context,
      ["pseudonymSeconds"],
      "remove it: with unlinkable no pseudonym is collected, or it would link logs",
    );
  }
  // What is left of a quota and is less than a batch would be asked for by its number, which tells clients apart.
  const { maxBatch, tokensPerClient } = preset;
  const [batch, quota] = [Number(maxBatch), Number(tokensPerClient)];
  if (Number.isInteger(quota) && batch > 0 && quota % Math.min(batch, quota) !== 0) {
    say(
      context,
      ["tokensPerClient"],
      `write a multiple of maxBatch, which is ${batch}: clients ask for whole batches`,
    );
  }
}
