/**
 * Sketches in the store. A sketch is the union of its rows, whoever wrote them and into however many chunks it was
 * split then, so that processes need no order: each merges what is there into its own and writes back what changed,
 * row by row and under a check. Any commit may be the last one: what is there is a sketch of what was observed.
 *
 * @module
 */
import { DecodeError, equalPublic } from "../../base/bytes.ts";
import { sketchesBefore, sketchKey, type SketchName, sketchOf, totalsBefore } from "./families.ts";
import type { Entry, Key } from "../../store/port.ts";
import { roomInValue } from "../../store/limits.ts";
import type { Store } from "../../store/store.ts";
import type { SweepPace } from "../../store/sweep.ts";
import { type KhllParameters, KHyperLogLog } from "../sketch/khll.ts";
import { deserialize, serializeChunk, serializeChunks } from "../sketch/khll_codec.ts";

/** Tries for one row before the next merge takes over. */
const MAX_TRIES = 20;
/** Listing reads the values too, up to 60 KiB each. */
const ROWS_SWEPT_AT_ONCE = 50;

/** Other processes were always faster: what is in memory stays to be merged the next time. */
export class SketchContention extends Error {
  override readonly name = "SketchContention";
}

/** Reads a sketch; an empty one where there is none. */
export async function loadSketch(
  store: Store,
  name: SketchName,
  parameters: KhllParameters,
): Promise<KHyperLogLog> {
  const sketch = new KHyperLogLog(parameters);
  await readRows(store, name, sketch);
  return sketch;
}

/**
 * Makes `sketch` and the stored one of this name the same: the union of both. Gives how many rows it wrote.
 * @throws {SketchContention} When others changed a row again and again.
 */
export async function mergeSketch(store: Store, name: SketchName, sketch: KHyperLogLog): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const rows = await readRows(store, name, sketch);
    const stored = Math.max(1, ...rows.map(({ key }) => key.at(-2) as number));
    const chunks = serializeChunks(sketch, {
      maximumLength: roomInValue(store.limits),
      minimumCount: stored,
    });
    const count = chunks.length;
    const present = new Map(rows.map((row) => [row.key.slice(-2).join(), row]));
    let written = 0;
    let grew = false;
    for (const [chunk, bytes] of chunks.entries()) {
      const row = present.get(`${count},${chunk}`);
      if (row !== undefined && equalPublic(row.value, bytes)) continue;
      const key = sketchKey(name, count, chunk);
      grew ||= !await writeChunk(store, sketch, { key, bytes, stamp: row?.stamp ?? null });
      written++;
    }
    // Somebody else's values made a chunk too long for a row: split again.
    if (grew) continue;
    // What a narrower split held is in the wider one by now; a row that changed meanwhile stays for the next merge.
    for (const row of rows) {
      if (row.key.at(-2) !== count) {
        await store.commit((commit) => commit.check(row).delete(row.key));
      }
    }
    return written;
  }
  throw new SketchContention(`The sketch of ${name.event} could not be written: others were always faster.`);
}

/** Merges all rows into `sketch` and gives them. A row that cannot be read is as good as absent: it is overwritten. */
async function readRows(
  store: Store,
  name: SketchName,
  sketch: KHyperLogLog,
): Promise<Entry<Uint8Array>[]> {
  const rows = await Array.fromAsync(store.list<Uint8Array>(sketchOf(name), { batchSize: 20 }));
  for (const { value } of rows) mergeRow(sketch, value);
  return rows;
}

function mergeRow(sketch: KHyperLogLog, row: Uint8Array): void {
  try {
    sketch.merge(deserialize(row, sketch));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}

/** Writes a chunk over what was read; after a lost race, over the union with what is there. False: it got too long. */
async function writeChunk(
  store: Store,
  sketch: KHyperLogLog,
  { key, bytes, stamp }: { key: Key; bytes: Uint8Array; stamp: string | null },
): Promise<boolean> {
  for (let tries = 0, seen = stamp, chunk = bytes; tries < MAX_TRIES; tries++) {
    if (chunk.length > roomInValue(store.limits)) return false;
    const done = await store.commit((commit) => commit.check({ key, stamp: seen }).set(key, chunk));
    if (done !== undefined) return true;
    const row = await store.get<Uint8Array>(key);
    if (row.value !== null) mergeRow(sketch, row.value);
    seen = row.stamp;
    chunk = serializeChunk(sketch, key.at(-1) as number, key.at(-2) as number);
  }
  throw new SketchContention("A row of a sketch could not be written: others were always faster.");
}

/** Removes an application's sketches, totals too, of the periods before `period`, some at a time. Gives how many rows. */
export async function sweepSketches(
  store: Store,
  app: string,
  period: number,
  pace: SweepPace,
): Promise<number> {
  const ownPace = { ...pace, rowsPerCommit: Math.min(pace.rowsPerCommit, ROWS_SWEPT_AT_ONCE) };
  return await store.sweep(sketchesBefore(app, period), ownPace) +
    await store.sweep(totalsBefore(app, period), ownPace);
}
