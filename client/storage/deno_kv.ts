/**
 * A client's state in Deno KV. An entry point of its own, for Deno.
 *
 * @module
 */
import { type ClientStorage, Entries } from "./storage.ts";

/** Most characters of a part: with three bytes each it stays below KV's 64 KiB a value. */
const PART_LENGTH = 16_000;

/**
 * Keeps a client's state in a Deno KV database, which several processes may share. Every transaction checks and raises
 * one version row, so it is undone when anybody came in between, and run again.
 *
 * @example
 * ```ts ignore
 * import { DitClient } from "@dit/service";
 * import { DenoKvStorage } from "@dit/service/storage_deno_kv";
 *
 * const storage = new DenoKvStorage(await Deno.openKv(), ["telemetry"]);
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, storage });
 * ```
 */
export class DenoKvStorage implements ClientStorage {
  readonly #kv: Deno.Kv;
  readonly #prefix: Deno.KvKey;

  /** `prefix` is where the state lives. The database stays open when the storage is closed: it is the caller's. */
  constructor(kv: Deno.Kv, prefix: Deno.KvKey = ["dit"]) {
    this.#kv = kv;
    this.#prefix = prefix;
  }

  /** Reads all entries, and commits the changes unless somebody else committed since. */
  async transaction<T>(body: (entries: Entries) => T): Promise<T> {
    const kv = this.#kv;
    const prefix = this.#prefix;
    for (;;) {
      const version = await kv.get<number>([...prefix, "version"]);
      const parts = new Map<string, string[]>();
      for await (
        const { key, value } of kv.list<string>({ prefix: [...prefix, "entry"] }, { batchSize: 500 })
      ) {
        const name = key.at(-2) as string;
        parts.set(name, [...parts.get(name) ?? [], value]);
      }
      const stored = new Map([...parts].map(([name, texts]) => [name, texts.join("")]));
      const entries = new Entries(stored);
      const result = body(entries);
      if (entries.changes.size === 0) {
        const now = await kv.get([...prefix, "version"]);
        // A long list is read in several steps: it is whole only if nothing changed meanwhile.
        if (now.versionstamp === version.versionstamp) return result;
        continue;
      }
      const operation = kv.atomic().check(version).set(version.key, (version.value ?? 0) + 1);
      for (const [name, value] of entries.changes) {
        const texts = value === undefined ? [] : split(value);
        texts.forEach((text, part) => operation.set([...prefix, "entry", name, part], text));
        for (let part = texts.length; part < (parts.get(name)?.length ?? 0); part++) {
          operation.delete([...prefix, "entry", name, part]);
        }
      }
      if ((await operation.commit()).ok) return result;
    }
  }

  /** Does nothing: the database is the caller's. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function split(text: string): string[] {
  const parts = [text.slice(0, PART_LENGTH)];
  for (let at = PART_LENGTH; at < text.length; at += PART_LENGTH) {
    parts.push(text.slice(at, at + PART_LENGTH));
  }
  return parts;
}
