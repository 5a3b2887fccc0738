/**
 * The records of an application's day, wherever they lie: the one place through which export, release, retention and
 * audit read them.
 *
 * @module
 */
import { LOG_ROWS, logsFrom, SEGMENTS, segmentsFrom, TALLIES } from "./families.ts";
import type { Key, Range } from "../store/port.ts";
import type { Store } from "../store/store.ts";
import { splitLines } from "./pack_records.ts";
import { countOfSegment, readSegment } from "./segments.ts";
import type { TallyRow } from "./tally.ts";

/** A row of the store that holds records. */
export interface RecordRow {
  /** `log`: written by the commit that claimed the uses of its records. `segment`: moved there from such rows. */
  readonly kind: "log" | "segment";
  /** Its key. */
  readonly key: Key;
  /** The stamp of the commit that wrote it. */
  readonly stamp: string;
  /** NDJSON, or what core/ledger/segments.ts makes of it. */
  readonly bytes: Uint8Array;
}

/** Records were moved or removed while a day was read: what was read may lack some or have some twice. */
export class DayChangedError extends Error {
  override readonly name = "DayChangedError";

  /** Names no day: the caller knows it. */
  constructor() {
    super("Records of the day were moved or removed meanwhile; read it again.");
  }
}

/** Rows are up to 60 KiB: so many are read at a time. */
const ROWS_AT_ONCE = 50;

/** The records of a row, each one line of JSON. */
export function recordsOf(row: RecordRow): Uint8Array[] {
  return row.kind === "log" ? splitLines(row.bytes) : readSegment(row.bytes);
}

/** How many records a row says that it holds. */
export function countRecords({ kind, bytes }: RecordRow): number {
  if (kind === "segment") return countOfSegment(bytes);
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}

/**
 * The rows of a day, each kind in the order of its random keys. What is committed meanwhile may be among them or not.
 */
export async function* readRecordRows(
  store: Store,
  app: string,
  day: number,
  rowsAtOnce = ROWS_AT_ONCE,
): AsyncGenerator<RecordRow> {
  const families = { log: LOG_ROWS.prefix(app, day), segment: SEGMENTS.prefix(app, day) };
  for (const kind of ["log", "segment"] as const) {
    const rows = store.list<Uint8Array>(families[kind], { batchSize: rowsAtOnce });
    for await (const { key, value, stamp } of rows) yield { kind, key, stamp, bytes: value };
  }
}

/**
 * The records of a day, each once.
 * @throws {DayChangedError} At the end, if that cannot be said.
 */
export async function* readRecords(store: Store, app: string, day: number): AsyncGenerator<Uint8Array> {
  const before = await store.get<TallyRow>(TALLIES.key(app, day));
  for await (const row of readRecordRows(store, app, day)) yield* recordsOf(row);
  const after = await store.get<TallyRow>(TALLIES.key(app, day));
  // Swept claims change no record; a move and a removal change one of these counts.
  const changed = before.value?.recordsMoved !== after.value?.recordsMoved ||
    before.value?.recordsRetired !== after.value?.recordsRetired;
  if (changed) throw new DayChangedError();
}

/** The days before `endDay` of which there are records, in order. */
export async function* daysWithRecords(store: Store, app: string, endDay: number): AsyncGenerator<number> {
  for (let from = 0; from < endDay;) {
    const day = Math.min(
      await firstDay(store, logsFrom(app, from)),
      await firstDay(store, segmentsFrom(app, from)),
    );
    if (day >= endDay) return;
    yield day;
    from = day + 1;
  }
}

async function firstDay(store: Store, selector: Range): Promise<number> {
  for await (const { key } of store.list(selector, { limit: 1 })) return key[2] as number;
  return Infinity;
}
