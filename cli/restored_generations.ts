/**
 * Which generations of keys a restore must not give away again: of epochs whose keys were replaced after the backup.
 *
 * @module
 */
import { CommandError } from "./admin_api.ts";
import type { PublishedHistory } from "./key_history.ts";
import { readDirectory, requireInHistory } from "./published_keys.ts";

/** The newest generation of an application's epoch that is known to have been given away; 0 where nothing is known. */
export type KnownGenerations = (app: string, epoch: number) => number;

/** A history and where it was read. */
export interface HistoryFile extends PublishedHistory {
  /** The path. */
  readonly file: string;
}

/** How a generation is written: `20786/1`, or of one application alone `demo:20786/1`. */
const WRITTEN = /^(?:([a-z0-9-]+):)?([0-9]{1,10})\/([0-9]{1,4})$/;

/**
 * Reads what the command was given, and what was published beside the histories (`keys.json`).
 * @throws {CommandError} If it makes no sense.
 */
export async function knownGenerations(
  written: readonly string[],
  histories: readonly HistoryFile[],
): Promise<KnownGenerations> {
  const known = new Map<string, number>();
  const add = (app: string, epoch: number, generation: number) => {
    const name = `${app}:${epoch}`;
    known.set(name, Math.max(known.get(name) ?? 0, generation));
  };
  for (const text of written) {
    const [, app = "", epoch, generation] = WRITTEN.exec(text) ?? [];
    if (epoch === undefined || generation === undefined) {
      throw new CommandError(
        "Write the epoch and the generation of each key_made since the backup, such as --generation 20786/1: a " +
          "generation of all epochs would cost clients tokens for days.",
      );
    }
    add(app, Number(epoch), Number(generation));
  }
  for (const history of histories) {
    const text = await Deno.readTextFile(history.file.replace(/[^/]*$/, "keys.json")).catch(() => undefined);
    if (text === undefined) continue;
    const directory = readDirectory(text, history.app, `keys.json beside ${history.file}`);
    requireInHistory({ directory, history });
    for (const { region, epoch, generation } of directory.keys) {
      if (region === history.region) add(history.app, epoch, generation);
    }
  }
  return (app, epoch) => Math.max(known.get(`:${epoch}`) ?? 0, known.get(`${app}:${epoch}`) ?? 0);
}
