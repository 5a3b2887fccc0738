/**
 * Files that no start and no command may touch.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { proveSealingKeys } from "../../../core/keys/resealing.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import { STORE_FORMATS } from "../../../core/operations/families.ts";
import { STORE_FORMAT, writeFormat } from "../../../core/operations/store_format.ts";
import { openStore } from "../../../boot/open_store.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** What a file is. */
export interface RefusedStore {
  /** In words. */
  readonly name: string;
  /** What a person is told. */
  readonly sentence: RegExp;
  /** Makes it. */
  readonly make: (path: string) => Promise<void>;
}

/** A store of this program under a sealing key, as a first start leaves it. */
export async function makeStore(path: string, sealKey: Uint8Array<ArrayBuffer>): Promise<void> {
  const store = await openStore(path);
  await proveSealingKeys(store, await Sealer.of([sealKey], random));
  await writeFormat(store);
  store.close();
}

/** Each kind of them, for a program whose sealing key this is. */
export function refusedStores(sealKey: Uint8Array<ArrayBuffer>): readonly RefusedStore[] {
  return [
    {
      name: "a text",
      sentence: /is no store's file/,
      make: (path) => Deno.writeTextFile(path, "dear diary\n"),
    },
    {
      name: "a database of another program",
      sentence: /is no store's file/,
      make(path) {
        using database = new DatabaseSync(path);
        database.exec("create table customers (name text); insert into customers values ('Ada')");
        database.exec(
          "create table gone (name blob); insert into gone values (zeroblob(90000)); drop table gone",
        );
        return Promise.resolve();
      },
    },
    {
      name: "the same in WAL mode, with what a stop left in its log",
      sentence: /is no store's file/,
      async make(path) {
        const open = `${path}.open`;
        using database = new DatabaseSync(open);
        database.exec("pragma journal_mode = wal; create table customers (name text)");
        for (const part of ["-wal", "-shm", ""]) await Deno.rename(open + part, path + part);
      },
    },
    {
      name: "another program's Deno KV",
      sentence: /is no store's file/,
      async make(path) {
        using kv = await Deno.openKv(path);
        await kv.set(["customers", 1], "Ada");
      },
    },
    {
      name: "a store of a newer program",
      sentence: /start version 7\.8\.9 or later on it/,
      async make(path) {
        await makeStore(path, sealKey);
        using kv = await Deno.openKv(path);
        await kv.set([...STORE_FORMATS.key()], { number: STORE_FORMAT.number + 1, since: "7.8.9" });
      },
    },
    {
      name: "a store under another sealing key",
      sentence: /DIT_SEAL_KEYS/,
      make: (path) => makeStore(path, random(32)),
    },
  ];
}

/** The digest of every file of a folder, by its name; SQLite's index of its log is made anew by whoever reads it. */
export async function digests(folder: string): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile) continue;
    if (name.endsWith("-shm")) {
      found.push([name, "is there"]);
      continue;
    }
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${folder}/${name}`));
    found.push([name, new Uint8Array(digest).toHex()]);
  }
  return Object.fromEntries(found.toSorted());
}
