import { assert, assertEquals } from "@std/assert";
import { loadTotals, mergeTotals, PendingTotals } from "../../../../core/privacy/risk/total_store.ts";
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
