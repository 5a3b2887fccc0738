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
import { attempt } from "./attempts.ts";
import { PostgresClaims } from "./claims.ts";
import { encodeRange } from "./key_bytes.ts";
import { POSTGRES_LIMITS } from "./limits.ts";
import { loadRows } from "./load.ts";
import { COMMON_LOT, lotOfOrdinal, ordinalOfRange, placeOf } from "./lots.ts";
import { readPage } from "./pages.ts";
import { dropPartition } from "./partitions.ts";
import type { Pool, Row } from "./pool.ts";
import { decodeValue } from "./value_bytes.ts";
import { bytea, checkParameters, placeParameters, stampOf, writeParameters } from "./writes.ts";

const GET = "select stamp, value from dit.rows where key = $1";
const GET_MANY = `select place, stamp, value
  from unnest($1::bytea[]) with ordinality k (key, place) join dit.rows using (key)`;
const FIND = "select place, stamp, value from dit.find($1, $2)";
const CLEAR = "delete from dit.rows where key >= $1 and key < $2 returning 1";
const COMMIT = "select dit.commit($1, $2, $3, $4, $5, $6, $7, $8) as stamp";

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
    const { lot, key: encoded } = placeOf(key);
    if (lot !== COMMON_LOT) return (await this.getMany<T>([key]))[0] ?? maybeEntry<T>(key, undefined);
    const [row] = await this.#pool.query(GET, [bytea(encoded)]);
    return maybeEntry(key, row);
  }

  /** See {@linkcode ClaimingEngine.getMany}. */
  async getMany<T>(keys: readonly Key[]): Promise<MaybeEntry<T>[]> {
    const places = keys.map(placeOf);
    const [lots, encoded] = placeParameters(places);
    const rows = places.every(({ lot }) => lot === COMMON_LOT)
      ? await this.#pool.query(GET_MANY, [encoded])
      : await this.#pool.query(FIND, [lots, encoded]);
    const found = new Map(rows.map((row) => [Number(row.place) - 1, row]));
    return keys.map((key, place) => maybeEntry(key, found.get(place)));
  }

  /** See {@linkcode ClaimingEngine.list}. */
  list<T>(range: Range, options: PageOptions): Promise<Page<T>> {
    return readPage<T>(this.#pool, range, options);
  }

  /** See {@linkcode ClaimingEngine.commit}. */
  async commit(checks: readonly Check[], writes: readonly Write[]): Promise<Committed> {
    const parameters = [...checkParameters(checks), ...writeParameters(writes)];
    const lots = writes.map(({ key }) => placeOf(key).lot);
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
    const ordinal = ordinalOfRange(range);
    if (ordinal === undefined) return undefined;
    const removed = await dropPartition(this.#pool, lotOfOrdinal(ordinal));
    if (removed === undefined) return undefined;
    // What begins as a claim does and is none lies among all other rows.
    const { start, end } = encodeRange(range);
    const others = await this.#pool.query(CLEAR, [bytea(start), bytea(end)]);
    return removed + others.length;
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
