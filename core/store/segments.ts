/**
 * Moves records out of the rows in which they arrived into shuffled, compressed segments. KV stamps every commit with a
 * rising versionstamp, so that rows tell the order of arrival and stand beside the claims of their commit; a segment
 * stands beside nothing and tells only which records were moved together.
 *
 * @module
 */
import { promisify } from "node:util";
import { constants, deflateRaw, inflateRawSync } from "node:zlib";
import { concat, u32 } from "../bytes.ts";
import { shuffle } from "../shuffle.ts";
import type { RandomSource } from "../voprf/suite.ts";
import { keySpace, type Store } from "./kv.ts";
import { splitLines } from "./pack_records.ts";
import { addToTally, type TallyRow } from "./tally.ts";

/** Fewest records that are shuffled together; fewer wait until a day after their day has ended. */
export const MIN_SHUFFLED = 1_000;
/** Seconds after a day's end at which what is left of it moves, however little it is. */
export const MOVE_REGARDLESS_SECONDS = 86_400;
/** Most bytes of a segment; KV's limit of a value is 64 KiB. */
const MAX_SEGMENT_BYTES = 60 * 1024;
/** The records of one shuffle: bounded by KV's limits of a commit (1000 mutations, 800 KiB) and by memory. */
const MAX_ROWS = 400;
const MAX_POOL_BYTES = 4 * 1024 * 1024;
const MAX_COMMIT_BYTES = 640 * 1024;

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
    while (await movePool(store, random, app, day, least, moved)) await options.pause?.();
  }
  return moved;
}

/** The days of an application that have log rows, by one read each. */
export async function* daysWithLogRows(store: Store, app: string): AsyncGenerator<number> {
  for (let from = 0;;) {
    let found: number | undefined;
    for await (const { key } of store.list(keySpace.logsFrom(app, from), { limit: 1 })) {
      found = key[2] as number;
    }
    if (found === undefined) return;
    yield found;
    from = found + 1;
  }
}

/** Moves one pool of rows; false when there is nothing (more) to move. */
async function movePool(
  store: Store,
  random: RandomSource,
  app: string,
  day: number,
  least: number,
  moved: MoveCount,
): Promise<boolean> {
  // The tally is read before the rows are: whoever moves or deletes rows meanwhile makes this commit fail.
  const tally = await store.get<TallyRow>(keySpace.tally(app, day));
  const rows: Deno.KvKey[] = [];
  const pool: Uint8Array[] = [];
  let bytes = 0;
  for await (const { key, value } of store.list<Uint8Array>(keySpace.logsOf(app, day), { limit: MAX_ROWS })) {
    if (bytes + value.length > MAX_POOL_BYTES) break;
    rows.push(key);
    pool.push(...splitLines(value));
    bytes += value.length;
  }
  if (pool.length === 0 || pool.length < least) return false;
  const segments = await packSegments(shuffle(pool, random));
  const total = segments.reduce((sum, segment) => sum + segment.length, 0);
  // Records that hardly compress fill a commit sooner; then fewer rows move at a time.
  if (total > MAX_COMMIT_BYTES) return await moveFewer(store, random, app, day, rows, moved);
  const done = await commitMove(store, random, { app, day, tally, rows, segments, records: pool.length });
  if (done) {
    moved.records += pool.length;
    moved.segments += segments.length;
  }
  return true;
}

interface Move {
  readonly app: string;
  readonly day: number;
  readonly tally: Deno.KvEntryMaybe<TallyRow>;
  readonly rows: readonly Deno.KvKey[];
  readonly segments: readonly Uint8Array[];
  readonly records: number;
}

async function commitMove(store: Store, random: RandomSource, move: Move): Promise<boolean> {
  const versionstamp = await store.commit((operation) => {
    for (const segment of move.segments) {
      operation.set(keySpace.segment(move.app, move.day, random(12)), segment);
    }
    for (const row of move.rows) operation.delete(row);
    addToTally(operation, move.tally, { recordsMoved: move.records });
  });
  return versionstamp !== undefined;
}

async function moveFewer(
  store: Store,
  random: RandomSource,
  app: string,
  day: number,
  rows: readonly Deno.KvKey[],
  moved: MoveCount,
): Promise<boolean> {
  const tally = await store.get<TallyRow>(keySpace.tally(app, day));
  // Eight full rows of incompressible records stay below a commit's limit.
  const some = await store.getMany<Uint8Array>(shuffle(rows, random).slice(0, 8));
  const present = some.filter((row) => row.value !== null);
  const pool = present.flatMap((row) => splitLines(row.value!));
  const segments = await packSegments(shuffle(pool, random));
  const keys = present.map((row) => row.key);
  if (await commitMove(store, random, { app, day, tally, rows: keys, segments, records: pool.length })) {
    moved.records += pool.length;
    moved.segments += segments.length;
  }
  return true;
}

/** Packs records into segments of at most 60 KiB, halving what does not fit. */
async function packSegments(records: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const lines = concat(...records.flatMap((record) => [record, LINE_FEED]));
  const deflated = await compress(lines, { level: constants.Z_DEFAULT_COMPRESSION });
  if (deflated.length <= MAX_SEGMENT_BYTES || records.length === 1) {
    return [concat(u32(records.length), deflated)];
  }
  const parts = Math.max(2, Math.ceil(deflated.length / MAX_SEGMENT_BYTES));
  const size = Math.ceil(records.length / parts);
  const packed: Uint8Array[] = [];
  for (let at = 0; at < records.length; at += size) {
    packed.push(...await packSegments(records.slice(at, at + size)));
  }
  return packed;
}

const LINE_FEED = Uint8Array.of(0x0a);

/** How many records a segment holds, without unpacking it. */
export function countOfSegment(segment: Uint8Array): number {
  return new DataView(segment.buffer, segment.byteOffset).getUint32(0);
}

/** The records of a segment, each one line of JSON. */
export function readSegment(segment: Uint8Array): Uint8Array[] {
  return splitLines(inflateRawSync(segment.subarray(4)));
}
