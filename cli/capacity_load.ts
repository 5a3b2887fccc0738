/**
 * The load that command line arguments describe.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Load } from "./capacity_plan.ts";

/** What a member may be, and what it is unless somebody says otherwise. */
interface Flag {
  readonly usual: number;
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

const FLAGS: Readonly<Record<keyof Load, Flag>> = {
  clients: { usual: 1e6, least: 1, most: 1e10, whole: true },
  logs: { usual: 20, least: 1, most: 100_000, whole: true },
  events: { usual: 1, least: 1, most: 100, whole: true },
  uses: { usual: 64, least: 1, most: 1_024, whole: true },
  batch: { usual: 32, least: 1, most: 256, whole: true },
  sample: { usual: 1, least: 1e-6, most: 1, whole: false },
  regions: { usual: 1, least: 1, most: 1_000, whole: true },
  retention: { usual: 30, least: 1, most: 400, whole: true },
  peak: { usual: 3, least: 1, most: 100, whole: false },
};
const NAMES = Object.keys(FLAGS) as (keyof Load)[];
/** Most tokens that an application may grant a client under a key. */
const MOST_TOKENS = 1_024;

/**
 * Reads `--clients 1e9` and the like.
 * @throws {RangeError} With one sentence that says what to write instead.
 */
export function readLoad(args: readonly string[]): Load {
  let values: Partial<Record<string, string | boolean>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: Object.fromEntries(NAMES.map((name) => [name, { type: "string" as const }])),
    }));
  } catch {
    throw new RangeError(
      `Use: deno task capacity ${NAMES.map((name) => `[--${name} N]`).join(" ")}, or --write alone`,
    );
  }
  const load = Object.fromEntries(
    NAMES.map((name) => [name, readNumber(name, values[name])]),
  ) as unknown as Load;
  if (Math.ceil(load.logs / load.uses) > MOST_TOKENS) {
    throw new RangeError(
      `${load.logs} logs with ${load.uses} uses a token take more than the ${MOST_TOKENS} tokens that a client may ` +
        "have a day: give --uses a larger number.",
    );
  }
  return load;
}

function readNumber(name: keyof Load, text: string | boolean | undefined): number {
  const { usual, least, most, whole } = FLAGS[name];
  if (text === undefined) return usual;
  const value = Number(text);
  if (String(text).trim() !== "" && value >= least && value <= most && (!whole || Number.isInteger(value))) {
    return value;
  }
  throw new RangeError(
    `--${name} is ${JSON.stringify(text)}: give a ${whole ? "whole " : ""}number from ${least} to ${most}.`,
  );
}
