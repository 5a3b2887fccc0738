/**
 * Moves records out of the rows in which they arrived into shuffled, compressed segments. KV stamps every commit with a
 * rising stamp, so that rows tell the order of arrival and stand beside the claims of their commit; a segment
 * stands beside nothing and tells only which records were moved together: those of hours that were over, by the hour.
 *
 * @module
 */
import { promisify } from "node:util";
import { constants, deflateRaw, inflateRawSync } from "node:zlib";
import { concat, u32 } from "../base/bytes.ts";
import { shuffle } from "../base/shuffle.ts";
import type { RandomSource } from "../base/random.ts";
import { LOG_ROWS, logsBefore, logsFrom, SEGMENTS, TALLIES } from "./families.ts";
import { roomInCommit, roomInValue } from "../store/limits.ts";
import type { Key, Limits, Range } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import { dayOf, hourOfDay } from "../base/time.ts";
import { splitLines } from "./pack_records.ts";
import { addToTally, type TallyRow } from "./tally.ts";

/** Fewest records that are shuffled together; fewer wait until a day after their day has ended. */
const MIN_SHUFFLED = 1_000;
/** Seconds after a day's end at which what is left of it moves, however little it is. */
const MOVE_REGARDLESS_SECONDS = 86_400;
/** Bytes of records that are compressed together: their segment fits a value, and no step takes long. */
const PIECE_BYTES = 256 * 1024;
/** Most bytes that a segment unpacks to: a piece, or one record that is larger. */
const MAX_UNPACKED_BYTES = 1024 * 1024;
/** Writes of a commit that are kept for what is not a moved row: segments, and the day's tally. */
const OTHER_WRITES = 50;
/** Bytes of rows that are shuffled together at most. */
const MAX_POOL_BYTES = 3 * 1024 * 1024;

const compress = promisify(deflateRaw);

/** What one run moved. */
export interface MoveCount {
  /** Records that left their log rows. */
  records: number;
  /** Segments that they went into. */
  segments: number;
}

/** How records are moved. */
export interface MoveOptions {
  /** Fewest records that are shuffled together; MIN_SHUFFLED by default. */
  readonly minShuffled?: number;
  /** Waits between two commits. */
  readonly pause?: () => Promise<void>;
}

/**
 * Moves an application's records into segments. Idempotent and safe with any number of processes: every commit checks
 * the tally of the day, which it also changes, so that of two that move the same rows one fails and looks again.
 */
export async function moveIntoSegments(
  store: Store,
  random: RandomSource,
  app: string,
  nowSeconds: number,
  options: MoveOptions = {},
): Promise<MoveCount> {
  const moved: MoveCount = { records: 0, segments: 0 };
  for await (const day of daysWithLogRows(store, app)) {
    const isOver = nowSeconds >= (day + 1) * 86_400 + MOVE_REGARDLESS_SECONDS;
    const least = isOver ? 1 : options.minShuffled ?? MIN_SHUFFLED;
    // What of the current hour was moved, and what was not, would tell its minutes.
    const rows = day < dayOf(nowSeconds)
      ? LOG_ROWS.prefix(app, day)
      : logsBefore(app, day, hourOfDay(nowSeconds));
    while (await movePool(store, random, { app, day, rows, least }, moved)) await options.pause?.();
  }
  return moved;
}

/** The days of an application that have log rows, by one read each. */
async function* daysWithLogRows(store: Store, app: string): AsyncGenerator<number> {
  for (let from = 0;;) {
    let found: number | undefined;
    for await (const { key } of store.list(logsFrom(app, from), { limit: 1 })) {
      found = key[2] as number;
    }
    if (found === undefined) return;
    yield found;
    from = found + 1;
  }
}

/** The rows of a day that may be moved, and how many records are few. */
interface Movable {
  readonly app: string;
  readonly day: number;
  readonly rows: Range;
  readonly least: number;
}

/** Moves one pool of rows; false when there is nothing (more) to move. */
async function movePool(
  store: Store,
  random: RandomSource,
  { app, day, rows: selector, least }: Movable,
  moved: MoveCount,
): Promise<boolean> {
  // The tally is read before the rows are, so rows that are moved or deleted meanwhile make this commit fail.
  const tally = await store.get<TallyRow>(TALLIES.key(app, day));
  const rows: PoolRow[] = [];
  let bytes = 0;
  let full = false;
  // Moved rows and their segments are one commit.
  const maxRows = store.limits.writesPerCommit - OTHER_WRITES;
  for await (const { key, value } of store.list<Uint8Array>(selector)) {
    full = rows.length === maxRows || bytes + value.length > MAX_POOL_BYTES;
    if (full) break;
    rows.push({ key, records: splitLines(value) });
    bytes += value.length;
  }
  // A full pool is as much as can be shuffled at a time, even where each row is large or holds a single record.
  if (rows.length === 0 || (!full && countOf(rows) < least)) return false;
  const { segments, taken } = await packPool(rows, random, store.limits);
  const stamp = await store.commit((operation) => {
    for (const segment of segments) operation.set(SEGMENTS.key(app, day, random(12)), segment);
    for (const { key } of taken) operation.delete(key);
    addToTally(operation, tally, { recordsMoved: countOf(taken) });
  });
  if (stamp !== undefined) {
    moved.records += countOf(taken);
    moved.segments += segments.length;
  }
  return true;
}

interface PoolRow {
  readonly key: Key;
  readonly records: readonly Uint8Array[];
}

function countOf(rows: readonly PoolRow[]): number {
  return rows.reduce((sum, { records }) => sum + records.length, 0);
}

/** Shuffles and packs rows: all of them, or where they hardly compress as many as fit one commit. */
async function packPool(
  rows: readonly PoolRow[],
  random: RandomSource,
  limits: Limits,
): Promise<{ segments: Uint8Array[]; taken: readonly PoolRow[] }> {
  const maxBytes = roomInCommit(limits);
  let taken = rows;
  while (true) {
    const records = shuffle(taken.flatMap(({ records }) => records), random);
    const segments = await packSegments(records, roomInValue(limits));
    const bytes = segments.reduce((sum, segment) => sum + segment.length, 0);
    if (bytes <= maxBytes || taken.length === 1) return { segments, taken };
    // Within an hour rows lie in the order of random keys: which of them are first says nothing.
    taken = taken.slice(0, Math.max(1, Math.floor(taken.length * 0.9 * maxBytes / bytes)));
  }
}

/** Packs records into segments of at most so many bytes. */
async function packSegments(records: readonly Uint8Array[], maxBytes: number): Promise<Uint8Array[]> {
  const segments: Uint8Array[] = [];
  let piece: Uint8Array[] = [];
  let bytes = 0;
  for (const record of records) {
    if (piece.length > 0 && bytes + record.length >= PIECE_BYTES) {
      segments.push(...await packPiece(piece, maxBytes));
      piece = [];
      bytes = 0;
    }
    piece.push(record);
    bytes += record.length + 1;
  }
  if (piece.length > 0) segments.push(...await packPiece(piece, maxBytes));
  return segments;
}

/** One segment, or of records that hardly compress several. */
async function packPiece(records: readonly Uint8Array[], maxBytes: number): Promise<Uint8Array[]> {
  const lines = concat(...records.flatMap((record) => [record, LINE_FEED]));
  const deflated = await compress(lines, { level: constants.Z_DEFAULT_COMPRESSION });
  if (deflated.length <= maxBytes || records.length === 1) {
    return [concat(u32(records.length), deflated)];
  }
  const middle = records.length >> 1;
  return [
    ...await packPiece(records.slice(0, middle), maxBytes),
    ...await packPiece(records.slice(middle), maxBytes),
  ];
}

const LINE_FEED = Uint8Array.of(0x0a);

/** How many records a segment holds, without unpacking it. */
export function countOfSegment(segment: Uint8Array): number {
  return new DataView(segment.buffer, segment.byteOffset).getUint32(0);
}

/**
 * The records of a segment, each one line of JSON.
 * @throws {Error} If it is damaged.
 */
export function readSegment(segment: Uint8Array): Uint8Array[] {
  return splitLines(inflateRawSync(segment.subarray(4), { maxOutputLength: MAX_UNPACKED_BYTES }));
}
