/**
 * Fills an SQLite file of Deno KV with rows as the service leaves them, written by SQLite itself: a million in seconds,
 * where commits of Deno KV take minutes. The keys are random and arrive in random order, so that the pages of the tree
 * are as full as the service's own. No process may have the file open.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { u32 } from "../../core/base/bytes.ts";
import { encodeClaim } from "../../core/ledger/claim_row.ts";

/** Bytes as a KV key holds them inside: a zero is followed by 0xff (the encoding of FoundationDB's tuples). */
function keyBytes(bytes: Uint8Array): string {
  return bytes.toHex().replaceAll(/../g, (byte) => byte === "00" ? "00ff" : byte);
}

/** `[family, bytes]` in that encoding, up to the bytes. */
function family(letter: string): string {
  return `02${letter.charCodeAt(0).toString(16)}0001`;
}

/** Sixteen random bytes in hex, none of them zero, so that they need no escape. */
const RANDOM = "replace(hex(randomblob(16)), '00', '01')";
/** Rows of one commit share a version. */
const ROWS_PER_COMMIT = 50;

/** Rows to be added. */
export interface Filling {
  /** The ordinals of the keys among which rows are divided. */
  readonly ordinals: readonly number[];
  /** Claims, at most 63 uses to a token. */
  readonly claims: number;
  /** The day of arrival that claims name. */
  readonly day: number;
  /** Quota rows. */
  readonly quotas: number;
  /** What a quota row holds, as V8 serialises it. */
  readonly quotaValue: Uint8Array;
}

/** Adds rows to a file that Deno KV has made. */
export function fillStore(path: string, { ordinals, claims, day, quotas, quotaValue }: Filling): void {
  using database = new DatabaseSync(path);
  database.exec("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -1000000; begin");
  const { version } = database.prepare("select version from data_version").get() as { version: number };
  // Encodings of values: 1 is V8's, 3 raw bytes.
  const rows = (key: string, value: string, encoding: 1 | 3) =>
    database.prepare(`
      insert into kv (k, v, v_encoding, version)
      with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < :count)
      select ${key}, ${value}, ${encoding}, ${version} + 1 + i / ${ROWS_PER_COMMIT} from n where :count > 0`);
  const claim = encodeClaim({ tag: new Uint8Array(16), day, recorded: true }).subarray(16).toHex();
  const insertClaims = rows(
    `unhex(:prefix || ${RANDOM} || printf('00FF%02X00', 1 + i % 63))`,
    `unhex(hex(randomblob(16)) || '${claim}')`,
    3,
  );
  const insertQuotas = rows(`unhex(:prefix || ${RANDOM} || '00')`, `unhex('${quotaValue.toHex()}')`, 1);
  for (const ordinal of ordinals) {
    const bytes = keyBytes(u32(ordinal));
    insertClaims.run({ prefix: family("c") + bytes, count: Math.floor(claims / ordinals.length) });
    insertQuotas.run({ prefix: family("q") + bytes, count: Math.floor(quotas / ordinals.length) });
  }
  const last = version + 1 + Math.ceil(Math.max(claims, quotas) / ROWS_PER_COMMIT);
  database.exec(`update data_version set version = ${last}; commit; pragma journal_mode = wal`);
}
