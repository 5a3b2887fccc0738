/**
 * Pages of a range, which may lie in several tables: one statement reads so many rows of each as the page may have, so that
 * it sees one moment, and the first of all are the page. Most ranges lie in one table, but for rows that only begin as
 * those of another do.
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../../base/bytes.ts";
import type { Entry, Page, PageOptions, Range } from "../port.ts";
import { claimsBetween, compareBytes, daysBetween } from "./bounds.ts";
import { type ByteRange, decodeKey, encodeKey, encodeRange } from "./key_bytes.ts";
import { keyOfClaim } from "./lots.ts";
import type { Row, Session } from "./pool.ts";
import { decodeValue } from "./value_bytes.ts";
import { bytea, stampOf } from "./writes.ts";

/** Reads a page. */
export async function readPage<T>(
  session: Session,
  range: Range,
  { limit, cursor = "", reverse = false }: PageOptions,
): Promise<Page<T>> {
  const bytes = encodeRange(range);
  const between = cursor === "" ? bytes : behind(bytes, fromBase64url(cursor), reverse);
  const rows = await session.query(...statementOf(range, between, limit, reverse));
  const order = reverse ? -1 : 1;
  const found = rows.map((row) => ({ row, key: keyOf(row) }));
  // Those of one table come in their order.
  found.sort((a, b) => order * compareBytes(a.key, b.key));
  const page = found.slice(0, limit);
  const last = page.at(-1)?.key;
  return {
    entries: page.map(({ row, key }): Entry<T> => ({
      key: decodeKey(key),
      value: decodeValue<T>(row.value as Uint8Array),
      stamp: stampOf(row.stamp),
    })),
    cursor: last === undefined ? cursor : toBase64url(last),
  };
}

/** What is left of a range behind a key, in the direction in which it is read. */
function behind({ start, end }: ByteRange, last: Uint8Array, isReverse: boolean): ByteRange {
  // The first key behind one is that with a byte more.
  return isReverse ? { start, end: last } : { start: Uint8Array.of(...last, 0), end };
}

function statementOf(
  range: Range,
  between: ByteRange,
  limit: number,
  isReverse: boolean,
): [text: string, values: unknown[]] {
  const { start, end } = between;
  const values: unknown[] = [bytea(start), bytea(end), limit];
  const parameters = (...more: unknown[]) => more.map((value) => `$${values.push(value)}`).join(", ");
  const tables = [
    `(select null::int as ordinal, key, stamp, value from dit.rows where key >= $1 and key < $2
      order by key ${isReverse ? "desc" : "asc"} limit $3::int)`,
  ];
  const claims = claimsBetween(between);
  if (claims !== undefined) {
    const { from, to } = claims;
    const bounds = parameters(from.ordinal, bytea(from.id), to.ordinal, bytea(to.id), isReverse);
    tables.push(`(select * from dit.list_claims(${bounds}, $3))`);
  }
  const days = daysBetween(between, range);
  if (days !== undefined) {
    tables.push(
      `(select * from dit.list_records(${parameters(days.first, days.last, isReverse)}, $1, $2, $3))`,
    );
  }
  return [tables.join(" union all "), values];
}

function keyOf({ ordinal, key }: Row): Uint8Array {
  return ordinal === null ? key as Uint8Array : encodeKey(keyOfClaim(Number(ordinal), key as Uint8Array));
}
