/**
 * What pseudonyms said in total, in the store. Sums are no sets: a process adds what it saw since its last merge, once.
 * So a delta has an id, which the row keeps for a while: a commit that landed though it was said to have failed is seen
 * when it is tried again.
 *
 * @module
 */
import { DecodeError, equalPublic } from "../../base/bytes.ts";
import type { RandomSource } from "../../base/random.ts";
import type { Key } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { DigestSample } from "../sketch/digest_sample.ts";
import { type TotalName, TOTALS, totalsOf } from "./families.ts";
import { SketchContention } from "./sketch_store.ts";

/** Rows of a sample, by the pseudonyms' first bits. */
const CHUNKS = 16;
/** Pseudonyms of a row: 32 KiB at most. Up to some 30,000 all are looked at, of more some 16,000 to 32,000. */
const CHUNK_CAPACITY = 2_048;
/** Deltas that a row remembers: those of as many processes that merged since. */
const KEPT_DELTAS = 64;
const DELTA_ID_LENGTH = 8;
const VERSION = 1;
const MAX_TRIES = 20;

interface Row {
  readonly sample: DigestSample;
  /** Ids of deltas, the newest last. */
  readonly deltas: readonly Uint8Array[];
}

/** What was seen since the last merge and is on its way: it is the same until it has arrived. */
interface Delta {
  readonly id: Uint8Array;
  readonly sample: DigestSample;
}

/** What this process saw of one application within one period and under one layout, and has not merged yet. */
export class PendingTotals {
  readonly #levels = new Array<number>(CHUNKS).fill(0);
  readonly #fresh = new Map<number, DigestSample>();
  readonly #sent = new Map<number, Delta>();

  /** Nothing seen yet. */
  constructor(readonly name: TotalName) {}

  /** Whether there is anything to merge. */
  get changed(): boolean {
    return this.#fresh.size > 0 || this.#sent.size > 0;
  }

  /** Whether it matters what this pseudonym says. */
  samples(id: number): boolean {
    return id % 2 ** (this.#levels[chunkOf(id)] ?? 0) === 0;
  }

  /** Adds what a pseudonym said. */
  add(id: number, digest: number): void {
    this.#freshOf(chunkOf(id)).add(id, digest);
  }

  /**
   * Adds all of it to what is stored. Gives how many rows it wrote: all of the sample's, also those to which nothing is
   * added. A row of few pseudonyms would else tell by its versionstamp, and by how many deltas it has had, when they log.
   * @throws {SketchContention} When others changed a row again and again; what was not merged stays.
   */
  async merge(store: Store, random: RandomSource): Promise<number> {
    if (!this.changed) return 0;
    let written = 0;
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      this.#freshOf(chunk);
      // What may have landed already comes first, then what was seen since.
      for (let delta = this.#next(chunk, random); delta; delta = this.#next(chunk, random)) {
        this.#sent.set(chunk, delta);
        this.#levels[chunk] = await addDelta(store, TOTALS.key(...keyOf(this.name), chunk), delta);
        this.#sent.delete(chunk);
        written++;
      }
    }
    return written;
  }

  #freshOf(chunk: number): DigestSample {
    let sample = this.#fresh.get(chunk);
    if (sample === undefined) {
      sample = new DigestSample(CHUNK_CAPACITY, this.#levels[chunk]);
      this.#fresh.set(chunk, sample);
    }
    return sample;
  }

  #next(chunk: number, random: RandomSource): Delta | undefined {
    const sent = this.#sent.get(chunk);
    if (sent !== undefined) return sent;
    const sample = this.#fresh.get(chunk);
    this.#fresh.delete(chunk);
    return sample && { id: random(DELTA_ID_LENGTH), sample };
  }
}

/** Merges what a process saw; what others were always faster to change is left to the next merge. Gives the rows. */
export async function mergeTotals(
  store: Store,
  totals: PendingTotals,
  random: RandomSource,
): Promise<number> {
  try {
    return await totals.merge(store, random);
  } catch (error) {
    if (error instanceof SketchContention) return 0;
    throw error;
  }
}

/** The stored sample of an application's pseudonyms, all of its rows at one level. */
export async function loadTotals(store: Store, name: TotalName): Promise<DigestSample> {
  const rows = await Array.fromAsync(store.list<Uint8Array>(totalsOf(name), { batchSize: CHUNKS }));
  const samples = rows.map(({ value }) => decodeRow(value).sample);
  const all = new DigestSample(Infinity, Math.max(0, ...samples.map(({ level }) => level)));
  for (const sample of samples) all.merge(sample);
  return all;
}

/** By the first four bits; a level goes by the last ones. */
function chunkOf(id: number): number {
  return Math.floor(id / 2 ** 48);
}

function keyOf({ app, period, layout }: TotalName): [string, number, string] {
  return [app, period, layout];
}

/** Adds a delta to its row, once. Gives the level that the row has then. */
async function addDelta(store: Store, key: Key, { id, sample }: Delta): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const present = await store.get<Uint8Array>(key);
    const row = present.value === null ? EMPTY() : decodeRow(present.value);
    if (row.deltas.some((delta) => equalPublic(delta, id))) return row.sample.level;
    row.sample.merge(sample);
    const bytes = encodeRow({ sample: row.sample, deltas: [...row.deltas, id].slice(-KEPT_DELTAS) });
    const done = await store.commit((commit) => commit.check(present).set(key, bytes));
    if (done !== undefined) return row.sample.level;
  }
  throw new SketchContention("What pseudonyms say in total could not be written: others were always faster.");
}

const EMPTY = (): Row => ({ sample: new DigestSample(CHUNK_CAPACITY), deltas: [] });

/** u8 version | u8 number of deltas | their ids | the sample. */
function encodeRow({ sample, deltas }: Row): Uint8Array<ArrayBuffer> {
  const begin = 2 + DELTA_ID_LENGTH * deltas.length;
  const bytes = new Uint8Array(begin + sample.byteLength);
  bytes[0] = VERSION;
  bytes[1] = deltas.length;
  for (const [index, id] of deltas.entries()) bytes.set(id, 2 + DELTA_ID_LENGTH * index);
  sample.write(bytes, begin);
  return bytes;
}

/** A row that cannot be read is as good as absent: it is overwritten. */
function decodeRow(bytes: Uint8Array): Row {
  const [version, count = 0] = bytes;
  const begin = 2 + DELTA_ID_LENGTH * count;
  if (version !== VERSION || bytes.length <= begin) return EMPTY();
  try {
    const deltas = Array.from(
      { length: count },
      (_, index) => bytes.slice(2 + DELTA_ID_LENGTH * index, 2 + DELTA_ID_LENGTH * (index + 1)),
    );
    return { sample: DigestSample.read(bytes, begin, CHUNK_CAPACITY), deltas };
  } catch (error) {
    if (error instanceof DecodeError) return EMPTY();
    throw error;
  }
}
