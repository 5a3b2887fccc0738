/**
 * PostgreSQL as an engine.
 *
 * Commits are SERIALIZABLE, so that checks of rows that are not there hold as well as those of rows that are, and the
 * server itself finds those that do not fit beside each other. Claims, of which there are a thousand times as many, are
 * one statement of their own (claims.ts). Reads are one statement each, and so see one moment.
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
import { fromBase64url, toBase64url } from "../../base/bytes.ts";
import { bigintArray, byteaArray } from "./arrays.ts";
import { attempt } from "./attempts.ts";
import { PostgresClaims } from "./claims.ts";
import { decodeKey, encodeKey, encodeRange } from "./key_bytes.ts";
import { POSTGRES_LIMITS } from "./limits.ts";
import { isWholeLot, lotOf, lotOfRange } from "./lots.ts";
import { loadRows } from "./load.ts";
import { dropPartition } from "./partitions.ts";
import type { Pool, Row } from "./pool.ts";
import { decodeValue } from "./value_bytes.ts";
import { bytea, checkParameters, stampOf, writeParameters } from "./writes.ts";

const GET = "select value, stamp from dit.rows where key = $1 and lot = $2";
const GET_MANY = `select place, value, stamp
  from unnest($1::bytea[], $2::bigint[]) with ordinality k (key, lot, place) join dit.rows using (key, lot)`;
const COMMIT = "select dit.commit($1, $2, $3, $4, $5, $6, $7, $8) as stamp";

/** A statement that reads a page: of one lot, or (the last parameter is not there) of all. */
function pageStatement(isReverse: boolean, hasLot: boolean): string {
  return `select key, value, stamp from dit.rows where key >= $1 and key < $2 ${hasLot ? "and lot = $4" : ""}
    order by key ${isReverse ? "desc" : "asc"} limit $3`;
}

/** An open database. */
export class PostgresEngine implements ClaimingEngine {
  /** See {@linkcode ClaimingEngine.limits}. */
  readonly limits: Limits = POSTGRES_LIMITS;
  /** See {@linkcode ClaimingEngine.capabilities}. */
  readonly capabilities: Capabilities = { shared: true };
  readonly #pool: Pool;

  /** Over a pool; closing the engine closes it. */
  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** See {@linkcode ClaimingEngine.get}. */
  async get<T>(key: Key): Promise<MaybeEntry<T>> {
    const [row] = await this.#pool.query(GET, [bytea(encodeKey(key)), lotOf(key)]);
    return maybeEntry(key, row);
  }

  /** See {@linkcode ClaimingEngine.getMany}. */
  async getMany<T>(keys: readonly Key[]): Promise<MaybeEntry<T>[]> {
    const rows = await this.#pool.query(GET_MANY, [
      byteaArray(keys.map(encodeKey)),
      bigintArray(keys.map(lotOf)),
    ]);
    const found = new Map(rows.map((row) => [Number(row.place) - 1, row]));
    return keys.map((key, place) => maybeEntry(key, found.get(place)));
  }

  /** See {@linkcode ClaimingEngine.list}. */
  async list<T>(range: Range, { limit, cursor = "", reverse = false }: PageOptions): Promise<Page<T>> {
    let { start, end } = encodeRange(range);
    if (cursor !== "") {
      const last = fromBase64url(cursor);
      // The first key behind one is that with a byte more.
      if (reverse) end = last;
      else start = Uint8Array.of(...last, 0);
    }
    const lot = lotOfRange(range);
    const bounds = [bytea(start), bytea(end), limit];
    const rows = await this.#pool.query(
      pageStatement(reverse, lot !== undefined),
      lot === undefined ? bounds : [...bounds, lot],
    );
    const last = rows.at(-1)?.key as Uint8Array | undefined;
    return {
      entries: rows.map((row): Entry<T> => ({
        key: decodeKey(row.key as Uint8Array),
        value: decodeValue<T>(row.value as Uint8Array),
        stamp: stampOf(row.stamp),
      })),
      cursor: last === undefined ? cursor : toBase64url(last),
    };
  }

  /** See {@linkcode ClaimingEngine.commit}. */
  async commit(checks: readonly Check[], writes: readonly Write[]): Promise<Committed> {
    const parameters = [...checkParameters(checks), ...writeParameters(writes)];
    const lots = writes.map(({ key }) => lotOf(key));
    const [row] = await attempt(
      this.#pool,
      lots,
      () => this.#pool.transaction("serializable", (query) => query(COMMIT, parameters)),
    );
    const stamp = row?.stamp ?? null;
    return stamp === null ? { ok: false } : { ok: true, stamp: stampOf(stamp) };
  }

  /** See {@linkcode ClaimingEngine.clear}. */
  async clear(range: Range): Promise<number | undefined> {
    const lot = lotOfRange(range);
    return lot !== undefined && isWholeLot(range)
      ? await dropPartition(this.#pool, lot, "with rows")
      : undefined;
  }

  /** See {@linkcode ClaimingEngine.load}. */
  async load(entries: readonly Entry<unknown>[]): Promise<void> {
    await loadRows(this.#pool, entries);
  }

  /** See {@linkcode ClaimingEngine.claims}. */
  claims(calls: EngineCalls): Claims {
    return new PostgresClaims(this.#pool, calls);
  }

  /** See {@linkcode ClaimingEngine.close}. */
  close(): void {
    this.#pool.close();
  }
}

function maybeEntry<T>(key: Key, row: Row | undefined): MaybeEntry<T> {
  return row === undefined
    ? { key, value: null, stamp: null }
    : { key, value: decodeValue<T>(row.value as Uint8Array), stamp: stampOf(row.stamp) };
}
