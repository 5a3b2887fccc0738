// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task restore --from FILE [--history FILE] [--yes]`: puts a backup in the place of the store of a stopped service,
 * and ends in it whatever could be counted twice: keys, and days that may have been released since. Everything is done on a
 * copy, which takes the store's place in the end: after an interruption it is simply run again.
 *
 * `deno task restore --in-place`: does the second part in a store that was put back by the means of its
 * server. After an interruption it is run again, too: it ends the keys that it had made itself.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { MAX_GENERATION } from "../core/keys/replacement.ts";
import { mendRestored } from "../core/operations/actions/mend_restored.ts";
import { meansOf } from "../boot/engines.ts";
import { isStoreFile } from "../boot/open_store.ts";
import { CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { UsageError, YES } from "./options.ts";
import { readHistory } from "./key_history.ts";
import { type HistoryFile, type KnownGenerations, knownGenerations } from "./restored_generations.ts";
import { exists, findStore, HOLDER, lockStopped, type StoppedStore, withStore } from "./stopped_store.ts";

/** The files of an SQLite database in WAL mode. */
const PARTS = ["", "-wal", "-shm"];

interface Mending {
  /** Generations that were given away since, as they were written. */
  readonly generations: readonly string[];
  readonly given: KnownGenerations;
  /** The published chains of keys. */
  readonly histories: readonly HistoryFile[];
  readonly evenWithoutTokens: boolean;
  readonly yes: boolean;
}

interface Wanted extends Mending {
  readonly from: string;
}

/** The options as they were given, for a command that is to be given again. */
function optionsOf({ generations, histories, evenWithoutTokens }: Mending): string {
  return [
    ...generations.flatMap((written) => ["--generation", written]),
    ...histories.flatMap(({ file }) => ["--history", file]),
    ...evenWithoutTokens ? ["--even-without-tokens"] : [],
  ].map((word) => ` ${word}`).join("");
}

/**
 * Says which file would be replaced, and goes on only where that was answered.
 * @throws {CommandError} With the command that answers it.
 */
async function confirm(path: string, wanted: Wanted): Promise<void> {
  const { from, yes } = wanted;
  if (yes || !await exists(path) || (await Deno.stat(path)).size === 0) return;
  const again = optionsOf(wanted);
  throw new CommandError(
    `This puts ${from} in the place of ${path}, which will lie in ${path}.replaced, and ends the keys that the backup ` +
      `has; to do it: deno task restore --from ${from}${again} --yes`,
  );
}

/** Ends what must not live again. Gives the lines that say so. */
async function mend(
  opened: StoppedStore,
  { given, histories, evenWithoutTokens }: Mending,
): Promise<string[]> {
  const holdsKeys = opened.settings.role !== "logs";
  for (const { file, region } of histories) {
    if (region === opened.rotation.region) continue;
    throw new CommandError(`${file} is of region ${region}, and this store of ${opened.rotation.region}.`);
  }
  const published = new Map(histories.map((history) => [history.app, history]));
  if (published.size < histories.length) throw new CommandError("Give one history for each application.");
  const order = { given, holdsKeys, published, evenWithoutTokens };
  const renewed = await mendRestored(opened, HOLDER, order);
  const mended = [...renewed].flatMap(([app, { ended, made }]) => {
    const names = made.map(({ epoch, generation }) => `${epoch}/${generation}`).join(", ");
    const line = `${app}: ${ended} keys ended; epoch/generation of those that took over: ${names}.`;
    const beyond = made.filter(({ generation }) => generation > MAX_GENERATION).map(({ epoch }) => epoch);
    if (beyond.length === 0) return [line];
    const epochs = beyond.join(", ");
    return [line, `Clients accept ${MAX_GENERATION} replacements an epoch: they get no tokens in ${epochs}.`];
  });
  const anew = [...renewed].filter(([, { chain }]) => chain === "starts anew").map(([app]) => app);
  return anew.length === 0 ? mended : [
    ...mended,
    `The chain of keys starts anew for ${
      anew.join(", ")
    }: clients with a pin take no key until they have a new one.`,
  ];
}

async function removeCopy(copy: string): Promise<void> {
  for (const part of PARTS) await Deno.remove(copy + part).catch(() => {});
}

/** Copies the backup beside the store, where it takes part in the same file system. */
async function copyBackup(from: string, copy: string): Promise<void> {
  await removeCopy(copy);
  try {
    // Not copyFile(), which gives the copy the backup's mode, whoever may read that.
    const target = await Deno.open(copy, { createNew: true, write: true, mode: 0o600 });
    await (await Deno.open(from)).readable.pipeTo(target.writable);
  } catch (error) {
    throw new CommandError(`${from} cannot be read: ${(error as Error).message}`);
  }
}

/** Moves what waits in the write-ahead log into the file. Throws unless it is whole. */
function settle(path: string): void {
  const database = new DatabaseSync(path);
  try {
    const { integrity_check: verdict } = database.prepare("PRAGMA integrity_check").get() ?? {};
    if (verdict !== "ok") throw new Error(String(verdict));
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    throw new CommandError(`The backup is no whole SQLite file: ${(error as Error).message}`);
  } finally {
    database.close();
  }
}

async function restore(path: string, development: boolean, wanted: Wanted): Promise<void> {
  const replaced = `${path}.replaced`;
  if (await exists(replaced)) {
    throw new CommandError(`${replaced} is left of an earlier restore: move it away or delete it.`);
  }
  const copy = `${path}.restoring`;
  let lines: string[];
  try {
    await copyBackup(wanted.from, copy);
    settle(copy);
    lines = await withStore(copy, development, (opened) => mend(opened, wanted));
    settle(copy);
  } catch (error) {
    await removeCopy(copy);
    throw error;
  }
  // Where there was no store, taking the lock has made an empty file.
  const isStore = (await Deno.stat(path)).size > 0;
  for (const part of isStore ? PARTS : []) {
    if (await exists(path + part)) await Deno.rename(path + part, replaced + part);
  }
  await Deno.rename(copy, path);
  await removeCopy(copy);
  for (const line of lines) console.log(line);
  console.log(
    `The store ${path} is that of the backup${isStore ? `; the one before lies in ${replaced}` : ""}. ` +
      "docs/operating.md says what is still to do by hand.",
  );
}

/** Mends the store that is there. */
async function mendInPlace(wanted: Mending): Promise<void> {
  const { location, development } = await findStore();
  if (location === undefined || (isStoreFile(location) && !await exists(location))) {
    throw new CommandError("Set DIT_KV to the store that was put back.");
  }
  if (!wanted.yes) {
    throw new CommandError(
      "This ends every key of the store that DIT_KV names and answers no day before today any more; to do it, with the " +
        `service stopped: deno task restore --in-place${optionsOf(wanted)} --yes`,
    );
  }
  using _lock = await lockStopped(location);
  for (const line of await withStore(location, development, (opened) => mend(opened, wanted))) {
    console.log(line);
  }
  console.log("The store is mended. docs/operating.md says what is still to do by hand.");
}

async function restoreStore(wanted: Wanted): Promise<void> {
  const { location, development } = await findStore();
  if (location === undefined || !isStoreFile(location)) {
    throw new CommandError(
      location === undefined
        ? "Set DIT_KV to the file of the store."
        : "The store is no file: run deno task restore --in-place, once it is put back " +
          `${meansOf(location, "put back")}.`,
    );
  }
  // Before the lock, which makes a file where there is none.
  if (!await exists(wanted.from)) throw new CommandError(`There is no file ${wanted.from}.`);
  await confirm(location, wanted);
  using _lock = await lockStopped(location);
  await restore(location, development, wanted);
}

await runCommand({
  name: "restore",
  help: "Puts a backup in the store's place, or mends one that was put back.",
  subcommands: {
    "": subcommand({
      help:
        "With the service stopped: puts a backup in the store's place, or mends one that was put back by the means " +
        "of its server, and ends in it whatever could be counted twice (docs/operating.md).",
      options: {
        from: { type: "string", value: "FILE", help: "The backup." },
        "in-place": { type: "boolean", help: "Mends the store that DIT_KV names, in the place of --from." },
        generation: {
          type: "string",
          value: "[APP:]EPOCH/G",
          multiple: true,
          help: "A generation that was given away since the backup.",
        },
        history: {
          type: "string",
          value: "FILE",
          multiple: true,
          help: "The published chain of an application's keys.",
        },
        yes: YES,
        "even-without-tokens": {
          type: "boolean",
          help: "Goes on where clients then get no tokens until the next epoch.",
        },
      },
      async work({ from = "", "in-place": inPlace, generation: generations, history, yes, ...more }) {
        if ((from === "") !== inPlace) {
          throw new UsageError(
            "Give either --from FILE or --in-place: deno task restore --help explains them.",
          );
        }
        const histories = await Promise.all(history.map(async (file) => {
          const text = await Deno.readTextFile(file).catch(() => {
            throw new CommandError(`There is no file ${file} that can be read.`);
          });
          return { ...readHistory(text, file), file };
        }));
        const given = await knownGenerations(generations, histories);
        const evenWithoutTokens = more["even-without-tokens"];
        const wanted = { generations, given, histories, yes, evenWithoutTokens };
        await (inPlace ? mendInPlace(wanted) : restoreStore({ ...wanted, from }));
      },
    }),
  },
});
