/**
 * Puts the records of one commit into rows: shuffled, so that their order says nothing, and one row an application and
 * hour, since a row costs more than its bytes.
 *
 * @module
 */
import { takeBytes } from "../base/byte_slab.ts";
import type { RandomSource } from "../base/random.ts";
import { shuffle } from "../base/shuffle.ts";

/** A record and where it belongs. */
export interface PackedRequest {
  /** The application's id. */
  readonly app: string;
  /** Days since 1970. */
  readonly day: number;
  /** The hour of arrival, 0..23; 0 by default. */
  readonly hour?: number | undefined;
  /** One line of NDJSON without its line feed; absent where there is nothing to store. */
  readonly record?: Uint8Array | undefined;
}

/** A row of shuffled records: NDJSON. */
export interface PackedRow {
  /** The application's id. */
  readonly app: string;
  /** Days since 1970. */
  readonly day: number;
  /** The hour of arrival, 0..23. */
  readonly hour: number;
  /** Lines, each ended by a line feed. */
  readonly bytes: Uint8Array;
}

/** Packs records into rows of at most `maxRowBytes`; one that is larger has a row for itself. */
export function packRecords(
  requests: readonly PackedRequest[],
  maxRowBytes: number,
  random: RandomSource,
): PackedRow[] {
  const groups = new Map<string, { app: string; day: number; hour: number; records: Uint8Array[] }>();
  for (const { app, day, hour = 0, record } of requests) {
    if (record === undefined) continue;
    const name = `${day} ${hour} ${app}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { app, day, hour, records: [record] });
    else group.records.push(record);
  }
  return [...groups.values()].flatMap(({ records, ...place }) =>
    joinLines(shuffle(records, random), maxRowBytes).map((bytes) => ({ ...place, bytes }))
  );
}

function joinLines(records: readonly Uint8Array[], maxRowBytes: number): Uint8Array[] {
  const rows: Uint8Array[] = [];
  let row: Uint8Array[] = [];
  let length = 0;
  for (const record of records) {
    const lineLength = record.length + 1;
    if (row.length > 0 && length + lineLength > maxRowBytes) {
      rows.push(endLines(row, length));
      row = [];
      length = 0;
    }
    row.push(record);
    length += lineLength;
  }
  if (row.length > 0) rows.push(endLines(row, length));
  return rows;
}

/** Puts a line feed behind each record; `length` bytes in all. */
function endLines(records: readonly Uint8Array[], length: number): Uint8Array {
  const row = takeBytes(length);
  let offset = 0;
  for (const record of records) {
    row.set(record, offset);
    offset += record.length;
    row[offset++] = 0x0a;
  }
  return row;
}

/** The lines of NDJSON without their line feeds. */
export function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0x0a, from);
    const to = end === -1 ? bytes.length : end;
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
}
