/**
 * Export of a day's records as NDJSON, in random order: the order says nothing about who sent what together.
 *
 * @module
 */
import { shuffleStream } from "../base/shuffle.ts";
import { readRecords } from "../ledger/day_records.ts";
import type { Store } from "../store/store.ts";
import { withoutEvents } from "../schema/record.ts";
import type { RandomSource } from "../base/random.ts";

/** Bytes of records that are shuffled at a time; rows beyond it already lie in the order of random keys. */
const WINDOW_BYTES = 32 * 1024 * 1024;
/** Bytes of a chunk, about. */
const CHUNK_BYTES = 64 * 1024;

/** What is exported. */
export interface Export {
  /** The application's name. */
  readonly app: string;
  /** The day, in days since 1970. */
  readonly day: number;
  /** Bytes of records that are shuffled at a time; 32 MiB by default. */
  readonly windowBytes?: number;
  /** Names of events that are left out: those in quarantine. */
  readonly withheld?: ReadonlySet<string>;
}

/**
 * Streams a day's records, a line each.
 * @throws {DayChangedError} At the end, when records were moved or removed meanwhile.
 */
export async function* exportDay(
  { store, random }: { readonly store: Store; readonly random: RandomSource },
  { app, day, windowBytes = WINDOW_BYTES, withheld = new Set() }: Export,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  const records = releasedRecords(readRecords(store, app, day), withheld);
  for await (const record of shuffleStream(records, windowBytes, random)) {
    if (length + record.length + 1 > chunk.length) {
      if (length > 0) yield chunk.subarray(0, length);
      chunk = new Uint8Array(Math.max(CHUNK_BYTES, record.length + 1));
      length = 0;
    }
    chunk.set(record, length);
    length += record.length;
    chunk[length++] = 0x0a;
  }
  if (length > 0) yield chunk.subarray(0, length);
}

async function* releasedRecords(
  records: AsyncIterable<Uint8Array>,
  withheld: ReadonlySet<string>,
): AsyncGenerator<Uint8Array> {
  for await (const record of records) {
    const released = withheld.size === 0 ? record : withoutEvents(record, withheld);
    if (released !== undefined) yield released;
  }
}
