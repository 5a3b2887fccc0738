/**
 * Deno KV as an engine: SQLite in a file or in memory, the platform's own, or KV Connect.
 *
 * Facts this file rests on: no KV call has a timeout of its own; a throwing commit does not mean that nothing happened;
 * `expireIn` is not used, since rows that expire together block every commit.
 *
 * @module
 */
import type { ClaimingEngine, Claims, EngineCalls } from "../claims.ts";
import type {
  Capabilities,
  Check,
  Committed,
  Entry,
  Key,
  Limits,
  MaybeEntry,
  Page,
  PageOptions,
  Range,
  Write,
} from "../port.ts";
import { DenoKvClaims } from "./claims.ts";
import { DENO_KV_LIMITS } from "./limits.ts";
import { addWrites } from "./writes.ts";

/** An open Deno KV. */
export class DenoKvEngine implements ClaimingEngine {
  /** See {@linkcode ClaimingEngine.limits}. */
  readonly limits: Limits;
  /** See {@linkcode ClaimingEngine.capabilities}. */
  readonly capabilities: Capabilities;
  readonly #kv: Deno.Kv;

  /** Wraps `kv`; closing the engine closes it. */
  constructor(kv: Deno.Kv, capabilities: Capabilities, limits: Limits = DENO_KV_LIMITS) {
    this.#kv = kv;
    this.capabilities = capabilities;
    this.limits = limits;
  }

  /** See {@linkcode ClaimingEngine.get}. */
  async get<T>(key: Key): Promise<MaybeEntry<T>> {
    return maybeEntry(await this.#kv.get<T>(key));
  }

  /** See {@linkcode ClaimingEngine.getMany}. */
  async getMany<T>(keys: readonly Key[]): Promise<MaybeEntry<T>[]> {
    return (await this.#kv.getMany<T[]>(keys)).map((row) => maybeEntry<T>(row));
  }

  /** See {@linkcode ClaimingEngine.list}. */
  async list<T>(range: Range, { limit, cursor = "", reverse = false }: PageOptions): Promise<Page<T>> {
    const rows = this.#kv.list<T>(range, { limit, batchSize: limit, cursor, reverse });
    const entries: Entry<T>[] = [];
    for await (const { key, value, versionstamp } of rows) {
      entries.push({ key: key as Key, value, stamp: versionstamp });
    }
    return { entries, cursor: rows.cursor };
  }

  /** See {@linkcode ClaimingEngine.commit}. */
  async commit(checks: readonly Check[], writes: readonly Write[]): Promise<Committed> {
    const operation = this.#kv.atomic();
    for (const { key, stamp } of checks) operation.check({ key, versionstamp: stamp });
    addWrites(operation, writes);
    const done = await operation.commit();
    return done.ok ? { ok: true, stamp: done.versionstamp } : { ok: false };
  }

  /** See {@linkcode ClaimingEngine.claims}. */
  claims(calls: EngineCalls): Claims {
    return new DenoKvClaims(this.#kv, this.limits, calls);
  }

  /** See {@linkcode ClaimingEngine.close}. */
  close(): void {
    this.#kv.close();
  }
}

function maybeEntry<T>(row: Deno.KvEntryMaybe<T>): MaybeEntry<T> {
  // The type of its keys has symbols in it, which no store gives back.
  const key = row.key as Key;
  return row.versionstamp === null
    ? { key, value: null, stamp: null }
    : { key, value: row.value, stamp: row.versionstamp };
}
