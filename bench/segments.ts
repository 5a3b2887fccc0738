// deno-lint-ignore-file no-console -- a bench speaks to a person.
/**
 * `deno task bench:segments`: what moving records into segments does to their size and to the time of reading a day, for
 * a quiet service (a record a commit) and a busy one (fifty).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { toBase64url } from "../core/base/bytes.ts";
import { readRecords } from "../core/ledger/day_records.ts";
import { LOG_ROWS, SEGMENTS } from "../core/ledger/families.ts";
import { logRowId } from "../core/ledger/row_ids.ts";
import { storeOver } from "../core/store/deno_kv/open.ts";
import { roomInValue } from "../core/store/limits.ts";
import type { Store } from "../core/store/store.ts";
import { type PackedRow, packRecords } from "../core/ledger/pack_records.ts";
import { moveIntoSegments } from "../core/ledger/segments.ts";
import { encodeRecord } from "../core/schema/record.ts";
import { environment } from "./environment.ts";
import { markdownTable, median } from "./statistics.ts";
import type { Range } from "../core/store/port.ts";

const { values } = parseArgs({ options: { records: { type: "string", default: "100000" } } });
const RECORDS = Number(values.records);
const APP = "demo";
const DAY = 20_000;
const READS = 5;
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Records as the demo's clients make them: one to three events, each of a few fields. */
function makeRecord(index: number): Uint8Array {
  const events = Array.from({ length: 1 + index % 3 }, (_, event) => ({
    name: ["client_start", "token_fetch", "log_upload"][event]!,
    at: DAY * 86_400 + 3_600 * (index % 24),
    fields: {
      ok: random(1)[0]! > 5,
      platform: ["linux", "darwin", "windows"][random(1)[0]! % 3]!,
      runtime: `2.${random(1)[0]! % 10}`,
      latency_ms: random(1)[0]! % 10,
    },
  }));
  return encodeRecord(toBase64url(random(16)), events);
}

async function fill(store: Store, perCommit: number): Promise<void> {
  for (let at = 0; at < RECORDS;) {
    const written: PackedRow[] = [];
    for (let rows = 0; rows < 40 && at < RECORDS; rows++) {
      const requests = Array.from({ length: Math.min(perCommit, RECORDS - at) }, (_, index) => ({
        app: APP,
        day: DAY,
        record: makeRecord(at + index),
      }));
      at += requests.length;
      written.push(...packRecords(requests, roomInValue(store.limits), random));
    }
    await store.commit((commit) => {
      for (const row of written) {
        commit.set(LOG_ROWS.key(APP, DAY, logRowId(row.hour, random)), row.bytes);
      }
    });
  }
}

interface Size {
  readonly rows: number;
  readonly bytes: number;
}

async function sizeOf(store: Store, range: Range): Promise<Size> {
  let [rows, bytes] = [0, 0];
  for await (const { value } of store.list<Uint8Array>(range)) {
    rows++;
    bytes += value.length;
  }
  return { rows, bytes };
}

/** Records a second of reading the whole day. */
async function readingSpeed(store: Store): Promise<number> {
  const speeds: number[] = [];
  for (let read = 0; read < READS; read++) {
    const startedAt = performance.now();
    let records = 0;
    for await (const _ of readRecords(store, APP, DAY)) records++;
    if (records !== RECORDS) throw new Error(`${records} of ${RECORDS} records were read`);
    speeds.push(records / (performance.now() - startedAt) * 1000);
  }
  return median(speeds);
}

function describe(name: string, { rows, bytes }: Size, speed: number, moved?: number): string[] {
  return [
    name,
    String(rows),
    (bytes / 2 ** 20).toFixed(1),
    (bytes / RECORDS).toFixed(0),
    speed.toFixed(0),
    moved === undefined ? "-" : moved.toFixed(0),
  ];
}

const table: string[][] = [];
for (const [name, perCommit] of [["a record a commit", 1], ["50 records a commit", 50]] as const) {
  const folder = await Deno.makeTempDir();
  const store = storeOver(await Deno.openKv(`${folder}/kv.sqlite3`));
  await fill(store, perCommit);
  table.push(
    describe(`rows, ${name}`, await sizeOf(store, LOG_ROWS.prefix(APP, DAY)), await readingSpeed(store)),
  );
  const startedAt = performance.now();
  await moveIntoSegments(store, random, APP, (DAY + 2) * 86_400);
  const moved = RECORDS / (performance.now() - startedAt) * 1000;
  const size = await sizeOf(store, SEGMENTS.prefix(APP, DAY));
  table.push(describe("segments made of them", size, await readingSpeed(store), moved));
  store.close();
  await Deno.remove(folder, { recursive: true });
}
console.log(`${environment()}; ${RECORDS} records, medians of ${READS} readings\n`);
console.log(markdownTable(
  ["", "KV rows", "MiB", "bytes a record", "records read/s", "records moved/s"],
  table,
));
