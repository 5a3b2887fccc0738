/**
 * What an operator does to keys by hand: starting the next generation of an epoch, and revoking keys at once. Both may be
 * repeated with the same argument when an answer was lost, and change nothing more.
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import { Refusal } from "../base/errors.ts";
import { epochAt, lifetimeOf } from "./epoch.ts";
import type { KeyName, KeyRow } from "./key_row.ts";
import { commitKeys, readKeyRows, type RotationContext } from "./rotation.ts";

/** Replacements of an epoch's key that clients accept (docs/protocol.md, section 7). */
export const MAX_GENERATION = 2;

/**
 * Starts the next generation of the current epoch; the key before it goes on redeeming.
 * @throws {Refusal} `replacement_refused` when clients would not accept another one.
 */
export async function replaceIssuingKey(
  context: RotationContext,
  app: Application,
  nowSeconds: number,
): Promise<KeyName> {
  const epoch = epochAt(app, nowSeconds);
  const wanted = nextGeneration(await readKeyRows(context.store, app.id, context.region), epoch);
  if (wanted > MAX_GENERATION) {
    throw new Refusal(
      "replacement_refused",
      `Clients accept ${MAX_GENERATION} replacements of an epoch's key and no more; the next epoch's key is ready.`,
    );
  }
  // A commit that landed may be reported as failed: the generation that was wanted is there then.
  const made = await commitKeys(
    context,
    app,
    (rows) => nextGeneration(rows, epoch) > wanted ? undefined : { epoch },
  );
  const rows = await readKeyRows(context.store, app.id, context.region);
  const name = made ?? rows.find((row) => row.epoch === epoch && row.generation === wanted);
  if (name === undefined) {
    throw new Refusal("replacement_refused", "The epoch is over for other processes: check this clock.");
  }
  return nameOf(name);
}

/** What a revocation did. */
export interface Revocation {
  /** The keys of the epoch that are revoked now. */
  readonly revoked: readonly KeyName[];
  /** The key that took over, while the epoch issues or is still to come. */
  readonly replacement?: KeyName;
}

/**
 * Revokes the keys of an epoch up to a generation at once: nothing that they signed redeems any more, and while the
 * epoch issues or is still to come the next generation takes over in the same commit.
 * @throws {Refusal} `epoch_unknown`.
 */
export async function revokeKeys(
  context: RotationContext,
  app: Application,
  epoch: number,
  throughGeneration: number,
  nowSeconds: number,
): Promise<Revocation> {
  const concerned = (rows: readonly KeyRow[]) =>
    rows.filter((row) => row.epoch === epoch && row.generation <= throughGeneration);
  await commitKeys(context, app, (rows) => {
    const revoke = concerned(rows).filter((row) => row.revokedAt === undefined);
    if (revoke.length === 0) return undefined;
    const needsNext = nowSeconds < lifetimeOf(app, epoch).issueUntil &&
      !rows.some((row) => row.epoch === epoch && row.generation > throughGeneration);
    return { revoke: { rows: revoke, atSeconds: nowSeconds }, ...(needsNext ? { epoch } : {}) };
  });
  const rows = await readKeyRows(context.store, app.id, context.region);
  const revoked = concerned(rows);
  if (revoked.length === 0) {
    throw new Refusal("epoch_unknown", `${app.id} has no key of epoch ${epoch} in this region.`);
  }
  const replacement = rows.findLast((row) =>
    row.epoch === epoch && row.generation > throughGeneration && row.revokedAt === undefined
  );
  return {
    revoked: revoked.map(nameOf),
    ...(replacement === undefined ? {} : { replacement: nameOf(replacement) }),
  };
}

function nextGeneration(rows: readonly KeyRow[], epoch: number): number {
  return Math.max(-1, ...rows.filter((row) => row.epoch === epoch).map((row) => row.generation)) + 1;
}

function nameOf({ app, region, epoch, generation }: KeyName): KeyName {
  return { app, region, epoch, generation };
}
