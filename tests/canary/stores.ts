/**
 * Stores whose every trace is searched: a file, and a database of PostgreSQL with its dump and its server's log.
 *
 * @module
 */
import { openStore } from "../../boot/open_store.ts";
import { utf8 } from "../../core/base/bytes.ts";
import { readSegment } from "../../core/ledger/segments.ts";
import { readPages } from "../support/http/documents.ts";
import { startCluster } from "../support/postgres/cluster.ts";
import type { Source } from "./canaries.ts";

const ROOT = new URL("../../", import.meta.url);

/** A store that is watched. */
export interface WatchedStore extends AsyncDisposable {
  /** What `DIT_KV` is. */
  readonly location: string;
  /** What it keeps and writes down, as its engine does. */
  files(): Promise<Source[]>;
  /** What it keeps, as the service reads it: in a file a value may be cut by the end of a page, or compressed. */
  rows(): Promise<Source[]>;
}

/** A store in a file that is not there yet. */
export function watchedFile(): WatchedStore {
  const folder = `.dit/canary-${crypto.randomUUID()}`;
  const location = `${folder}/kv.sqlite3`;
  return {
    location,
    files: () => readFiles(new URL(folder, ROOT)),
    rows: () => readRows(new URL(location, ROOT).pathname),
    [Symbol.asyncDispose]: () => Deno.remove(new URL(folder, ROOT), { recursive: true }),
  };
}

/** An empty database on a server of its own with these settings. */
export async function watchedDatabase(settings: readonly string[]): Promise<WatchedStore> {
  const cluster = await startCluster(settings);
  const location = await cluster.newDatabase();
  const database = location.split("/").at(-1) ?? "";
  return {
    location,
    async files() {
      const dump = await cluster.program("pg_dump", database);
      return [
        { name: "store dump", bytes: utf8(dump) },
        // What is dumped as hexadecimal digits, as the bytes that it is.
        ...dump.matchAll(/\\\\x([0-9a-f]+)/g).map(([, hex = ""]) => ({
          name: "store dump",
          bytes: Uint8Array.fromHex(hex),
        })),
        { name: "server log", bytes: await Deno.readFile(`${cluster.folder}/log`) },
      ];
    },
    rows: () => readRows(location),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

/** The settings of a server's log that docs/postgresql.md gives. */
export async function documentedSettings(): Promise<string[]> {
  const page = (await readPages()).find(({ path }) => path === "docs/postgresql.md");
  const block = page?.blocks.find(({ language, text }) =>
    language === "ini" && text.includes("log_statement")
  );
  const lines = block?.text.split("\n").filter((line) => /^[a-z]/.test(line)) ?? [];
  return lines.map((line) => line.replaceAll(" ", ""));
}

async function readFiles(folder: URL): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    sources.push({ name: "store files", bytes: await Deno.readFile(`${folder.pathname}/${name}`) });
  }
  return sources;
}

async function readRows(location: string): Promise<Source[]> {
  const store = await openStore(location);
  const parts: Uint8Array[] = [];
  for await (const { key, value } of store.list<unknown>({ prefix: [] })) {
    parts.push(...bytesIn(key), ...bytesIn(value));
    if (key[0] === "g") parts.push(...readSegment(value as Uint8Array));
  }
  store.close();
  return parts.map((bytes) => ({ name: "store rows", bytes }));
}

function bytesIn(value: unknown): Uint8Array[] {
  if (typeof value === "string") return [utf8(value)];
  if (value instanceof Uint8Array) return [value];
  if (value instanceof Map || value instanceof Set) return [...value].flatMap(bytesIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [utf8(name), ...bytesIn(member)]);
}
