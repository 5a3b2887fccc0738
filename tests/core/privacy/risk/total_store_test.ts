import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadTotals, mergeTotals, PendingTotals } from "../../../../core/privacy/risk/total_store.ts";
import { DecodeError } from "../../../../core/base/bytes.ts";
import { DigestSample } from "../../../../core/privacy/sketch/digest_sample.ts";
import { TOTALS } from "../../../../core/privacy/risk/families.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import type { Store } from "../../../../core/store/store.ts";
import { type CommitFault, faultyKv } from "../../../support/store/faulty_kv.ts";
import { type SeededRandom, seededRandom } from "../../../support/base/seeded_random.ts";

const NAME = { app: "app", period: 1, layout: "l" };

function idOf(random: SeededRandom): number {
  return random.uint32() * 2 ** 20 + (random.uint32() >>> 12);
}

/** The sums of what is stored, in order. */
async function sumsOf(store: Store): Promise<number[]> {
  return [...(await loadTotals(store, NAME)).sums()].sort((a, b) => a - b);
}

Deno.test("mergeTotals() adds what several processes saw of each pseudonym, exactly once", async () => {
  const kv = await Deno.openKv(":memory:");
  const store = storeOver(kv), random = seededRandom(1);
  const pending = [1, 2, 3].map(() => new PendingTotals(NAME));
  const ids = Array.from({ length: 3_000 }, () => idOf(random));
  for (let round = 0; round < 3; round++) {
    for (const id of ids) for (const one of pending) one.add(id, 7);
    await Promise.all(pending.map((one) => mergeTotals(store, one, random.bytes)));
  }
  for (const one of pending) await mergeTotals(store, one, random.bytes);
  assertEquals(new Set(await sumsOf(store)), new Set([63]));
  assertEquals((await sumsOf(store)).length, 3_000);
  assert(pending.every(({ changed }) => !changed));
  store.close();
});

Deno.test("mergeTotals() adds once though commits fail, or land and say that they failed", async () => {
  for (const fault of ["throw", "land and throw", "land and say no", "say no"] as CommitFault[]) {
    const faulty = faultyKv(await Deno.openKv(":memory:"));
    const store = storeOver(faulty.kv), random = seededRandom(1);
    const pending = new PendingTotals(NAME);
    const ids = Array.from({ length: 500 }, () => idOf(random));
    for (const id of ids) pending.add(id, 5);
    faulty.fault = (commit) => commit % 3 === 0 ? fault : "none";
    for (let tries = 0; pending.changed && tries < 60; tries++) {
      // What is seen while a merge is under way is not lost with it.
      if (tries === 0) {
        const merging = mergeTotals(store, pending, random.bytes).catch(() => {});
        for (const id of ids) pending.add(id, 6);
        await merging;
      } else await mergeTotals(store, pending, random.bytes).catch(() => {});
    }
    faulty.fault = () => "none";
    await mergeTotals(store, pending, random.bytes);
    assertEquals(await sumsOf(store), new Array(500).fill(11), fault);
    store.close();
  }
});

Deno.test("loadTotals() has a uniform sample of more pseudonyms than fit, in rows below the store's limit", async () => {
  const kv = await Deno.openKv(":memory:");
  const store = storeOver(kv), random = seededRandom(2);
  const pending = new PendingTotals(NAME);
  for (let person = 0; person < 100_000; person++) pending.add(idOf(random), person);
  await mergeTotals(store, pending, random.bytes);
  const sample = await loadTotals(store, NAME);
  assert(sample.size > 10_000 && sample.size <= 32_768, `${sample.size}`);
  const estimate = sample.size * 2 ** sample.level;
  assert(Math.abs(estimate - 100_000) < 4_000, `${estimate}`);
  for await (const { value } of store.list<Uint8Array>(TOTALS.prefix("app"))) assert(value.length < 40_000);
  store.close();
});

Deno.test("mergeTotals() writes over a row that is none", async () => {
  const kv = await Deno.openKv(":memory:");
  const store = storeOver(kv), random = seededRandom(2);
  for (let chunk = 0; chunk < 16; chunk++) {
    const damaged = [[], [1], [9, 0, 0], [1, 0, 0, 1], [1, 3, 0]][chunk % 5]!;
    await kv.set(TOTALS.key("app", 1, "l", chunk), new Uint8Array(damaged));
  }
  assertEquals(await sumsOf(store), []);
  const pending = new PendingTotals(NAME);
  const ids = Array.from({ length: 100 }, () => idOf(random));
  for (const id of ids) pending.add(id, 5);
  await mergeTotals(store, pending, random.bytes);
  assertEquals(await sumsOf(store), new Array(100).fill(5));
  store.close();
});

Deno.test("rows of totals tell neither in which order pseudonyms came, nor when somebody of a row was last seen", async () => {
  const kv = await Deno.openKv(":memory:");
  const store = storeOver(kv), random = seededRandom(3);
  const ids = Array.from({ length: 200 }, () => idOf(random));
  const stored = async () => {
    const rows = await Array.fromAsync(store.list<Uint8Array>(TOTALS.prefix("app")));
    return rows.map(({ key, value }) => ({ key, deltas: value[1], rest: value.slice(2 + 8 * value[1]!) }));
  };
  const orders: unknown[] = [];
  for (const order of [ids, ids.toReversed()]) {
    for (let chunk = 0; chunk < 16; chunk++) await kv.delete(TOTALS.key("app", 1, "l", chunk));
    const pending = new PendingTotals(NAME);
    for (const half of [order.slice(0, 100), order.slice(100)]) {
      for (const id of half) pending.add(id, 5);
      await mergeTotals(store, pending, random.bytes);
    }
    orders.push(await stored());
  }
  assertEquals(orders[0], orders[1]);
  // One log of one pseudonym: all rows are written anew.
  const stampsOf = async () =>
    (await Array.fromAsync(store.list(TOTALS.prefix("app")))).map(({ stamp }) => stamp);
  const before = await stampsOf();
  const pending = new PendingTotals(NAME);
  pending.add(ids[0]!, 5);
  assertEquals(await mergeTotals(store, pending, random.bytes), 16);
  const after = await stampsOf();
  assert(after.every((stamp, row) => stamp > before.at(-1)! && stamp !== before[row]));
  assertEquals(new Set((await stored()).map(({ deltas }) => deltas)).size, 1);
  store.close();
});

Deno.test("DigestSample.read() refuses pseudonyms that do not ascend", () => {
  const sample = new DigestSample(10);
  for (const id of [3, 1, 2]) sample.add(id, 5);
  const bytes = new Uint8Array(sample.byteLength);
  sample.write(bytes, 0);
  assertEquals([...DigestSample.read(bytes, 0, 10).sums()], [5, 5, 5]);
  const swapped = new Uint8Array([...bytes.slice(0, 1), ...bytes.slice(17, 33), ...bytes.slice(1, 17)]);
  const twice = new Uint8Array([...bytes.slice(0, 17), ...bytes.slice(1, 17)]);
  for (const wrong of [swapped, twice]) {
    assertThrows(() => DigestSample.read(wrong, 0, 10), DecodeError, "ascending");
  }
});
