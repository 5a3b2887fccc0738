import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { concat, utf8 } from "../../../core/base/bytes.ts";
import { floorTo } from "../../../core/base/time.ts";
import { encodeRecord } from "../../../core/schema/record.ts";
import { exportDay } from "../../../core/operations/export.ts";
import { shuffleStream } from "../../../core/base/shuffle.ts";
import { DayChangedError, readRecords } from "../../../core/ledger/day_records.ts";
import { LOG_ROWS } from "../../../core/ledger/families.ts";
import type { Store } from "../../../core/store/store.ts";
import { moveIntoSegments } from "../../../core/ledger/segments.ts";
import { DAY, random, withLedger } from "../../support/store/ledger.ts";
import { seededRandom } from "../../support/base/seeded_random.ts";
import { setRow } from "../../support/store/rows.ts";

async function exported(store: Store, windowBytes = 32 * 2 ** 20): Promise<string[]> {
  const chunks = await Array.fromAsync(exportDay({ store, random }, { app: "demo", day: DAY, windowBytes }));
  const text = new TextDecoder().decode(concat(...chunks));
  assert(text === "" || text.endsWith("\n"));
  return text.split("\n").slice(0, -1);
}

async function stored(store: Store): Promise<string[]> {
  const records = await Array.fromAsync(readRecords(store, "demo", DAY));
  return records.map((record) => new TextDecoder().decode(record)).sort();
}

Deno.test("exportDay() gives every record of the day once, moved or not, and no other", () =>
  withLedger(async ({ store, add }) => {
    assertEquals(await exported(store), []);
    await add({ uses: 50, commits: 10 });
    await add({ uses: 50, day: DAY + 1 });
    await add({ uses: 50, ordinal: 3 });
    const before = await stored(store);
    assertEquals(before.length, 500);
    assertEquals((await exported(store)).sort(), before);
    await moveIntoSegments(store, random, "demo", (DAY + 1) * 86_400, { minShuffled: 100 });
    await add({ uses: 20 });
    const lines = await exported(store);
    assertEquals(lines.toSorted(), await stored(store));
    assertEquals(lines.length, 520);
    for (const windowBytes of [0, 100, 5_000]) {
      assertEquals((await exported(store, windowBytes)).sort(), lines.toSorted());
    }
  }));

Deno.test("exportDay() fits large records into its chunks", () =>
  withLedger(async ({ store }) => {
    const lines = Array.from({ length: 5 }, (_, index) => `${index}`.repeat(59_000));
    for (const line of lines) await setRow(store, LOG_ROWS.key("demo", DAY, random(12)), utf8(line + "\n"));
    assertEquals((await exported(store)).sort(), lines);
  }));

Deno.test("exportDay() breaks off when records are moved meanwhile", () =>
  withLedger(async ({ store, add }) => {
    await add({ uses: 60, commits: 30 });
    const chunks = exportDay({ store, random }, { app: "demo", day: DAY, windowBytes: 0 });
    await chunks.next();
    await moveIntoSegments(store, random, "demo", (DAY + 1) * 86_400, { minShuffled: 100 });
    await assertRejects(() => Array.fromAsync(chunks), DayChangedError);
    assertEquals((await exported(store)).length, 1_800);
  }));

async function* countTo(end: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < end; index++) yield Uint8Array.of(index >> 8, index & 0xff);
}

Deno.test("shuffleStream() passes everything on, and leaves little of the order", async () => {
  const { bytes } = seededRandom(7);
  const items = await Array.fromAsync(shuffleStream(countTo(2_000), 400, bytes));
  const order = items.map(([high, low]) => high! * 256 + low!);
  assertNotEquals(order, order.toSorted((a, b) => a - b));
  assertEquals(order.toSorted((a, b) => a - b), Array.from({ length: 2_000 }, (_, index) => index));
  const neighbours = order.filter((item, index) => item + 1 === order[index + 1]).length;
  // With a window of 200 a successor follows at once with a chance of some 1 in 400.
  assert(neighbours < 20, `${neighbours} neighbours stayed together`);
});

/** A record of one event at a time that was floored to so many seconds. */
function recordAt(granularitySeconds: number, index: number): Uint8Array {
  const at = floorTo(DAY * 86_400 + 86_399 - index, granularitySeconds);
  return encodeRecord(random(16).toBase64(), [{ name: "saved", at, fields: { index } }]);
}

Deno.test("exportDay() gives records whose times have a granularity that no configuration may have any more", () =>
  withLedger(async ({ store }) => {
    const records = [96, 120, 1_800, 7_200, 43_200].flatMap((seconds) =>
      Array.from({ length: 10 }, (_, index) => recordAt(seconds, index))
    );
    for (const record of records) {
      await setRow(store, LOG_ROWS.key("demo", DAY, random(12)), concat(record, utf8("\n")));
    }
    const lines = records.map((record) => new TextDecoder().decode(record)).sort();
    assertEquals((await exported(store)).sort(), lines);
    await moveIntoSegments(store, random, "demo", (DAY + 1) * 86_400, { minShuffled: 10 });
    assertEquals((await exported(store)).sort(), lines);
  }));
