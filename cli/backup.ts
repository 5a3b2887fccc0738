// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task backup --to FILE`: copies the store's SQLite file while the service runs on it, as of one moment and without
 * what was deleted.
 *
 * It starts with every permission because Deno refuses VACUUM INTO (which attaches the new file) on a database that was
 * opened without; all but those on files go back before SQLite reads a byte.
 *
 * @module
 */
import { backupMarkOf } from "../boot/host_state.ts";
import { notAStore, requireStoreFile } from "../boot/file_lock.ts";
import { meansOf } from "../boot/engines.ts";
import { isStoreFile } from "../boot/open_store.ts";
import { isDenoKv, openWithoutTrace } from "../core/store/deno_kv/file_rows.ts";
import { StoreOpenError } from "../core/store/open_error.ts";
import { dropPermissions } from "./drop_permissions.ts";
import { CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { findStore } from "./stopped_store.ts";

/** Copies the file at `path`, which may be in use, to `target`, readable by its owner only. */
async function copyStore(path: string, target: string): Promise<void> {
  try {
    (await Deno.open(target, { createNew: true, write: true, mode: 0o600 })).close();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new CommandError(`${target} is there already: name another file.`);
    }
    throw new CommandError(`${target} cannot be written: ${(error as Error).message}`);
  }
  const database = openWithoutTrace(await Deno.realPath(path));
  dropPermissions("read", "write");
  try {
    if (!isDenoKv(database)) throw notAStore(path);
    // A reader: in SQLite's WAL mode it neither waits for the service nor keeps it waiting.
    database.prepare("VACUUM INTO ?").run(target);
  } catch (error) {
    await Deno.remove(target);
    if (error instanceof StoreOpenError) throw error;
    throw new CommandError(`The backup failed: ${(error as Error).message}`);
  } finally {
    database.close();
  }
}

async function backUp(target: string): Promise<void> {
  const { location } = await findStore();
  if (location !== undefined && !isStoreFile(location)) {
    throw new CommandError(
      `The store is no file: back it up ${meansOf(location, "back up")}.`,
    );
  }
  if (location === undefined || !await requireStoreFile(location)) {
    throw new CommandError("There is no store here: set DIT_KV to its file.");
  }
  await copyStore(location, target);
  // The service shows its age among its metrics.
  await Deno.writeTextFile(backupMarkOf(location), `${Math.floor(Date.now() / 1_000)}\n`, { mode: 0o600 });
  console.log(
    `${target} holds the store as it is now. It opens with today's DIT_SEAL_KEYS only, which do not belong beside it.`,
  );
}

await runCommand({
  name: "backup",
  help: "Copies the store's file while the service runs.",
  subcommands: {
    "": subcommand({
      help:
        "Copies the store's SQLite file as of one moment and without what was deleted, readable by its owner only.",
      options: {
        to: {
          type: "string",
          value: "FILE",
          required: true,
          help: "The copy: a file that is not there yet.",
        },
      },
      work: ({ to }) => backUp(to),
    }),
  },
});
