import { assert, assertEquals, assertRejects } from "@std/assert";
import { type KhllParameters, KHyperLogLog } from "../../../../core/privacy/sketch/khll.ts";
import { serialize } from "../../../../core/privacy/sketch/khll_codec.ts";
import { loadSketch, mergeSketch, SketchContention } from "../../../../core/privacy/risk/sketch_store.ts";
import {
  sketchKey,
  type SketchName,
  sketchOf as rowsOfSketch,
} from "../../../../core/privacy/risk/families.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import type { Store } from "../../../../core/store/store.ts";
import { type CommitFault, faultyKv } from "../../../support/store/faulty_kv.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";
import type { Entry } from "../../../../core/store/port.ts";

const NAME: SketchName = { app: "app", period: 1, event: "e", layout: "l", dimension: "d" };
const PARAMETERS: KhllParameters = { k: 256, registerCount: 1024 };

/** A sketch of `count` pairs, each value with several pseudonyms. */
function sketchOf(seed: number, count: number): KHyperLogLog {
  const random = seededRandom(seed);
  const sketch = new KHyperLogLog(PARAMETERS);
  for (let index = 0; index < count; index++) {
    const value = { high: Math.imul(random.uint32() % 400, 0x9e3779b1) >>> 0, low: random.uint32() % 400 };
    sketch.add({ ...value, low: Math.imul(value.high, 0x85ebca6b) >>> 0 }, {
      high: random.uint32(),
      low: random.uint32(),
    });
  }
  return sketch;
}

function union(...sketches: KHyperLogLog[]): KHyperLogLog {
  const all = new KHyperLogLog(PARAMETERS);
  for (const sketch of sketches) all.merge(sketch);
  return all;
}

async function withStore(run: (store: Store, kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await run(storeOver(kv), kv);
  } finally {
    kv.close();
  }
}

async function rowsOf(store: Store): Promise<Entry<Uint8Array>[]> {
  return await Array.fromAsync(store.list<Uint8Array>(rowsOfSketch(NAME)));
}

Deno.test("mergeSketch() stores what loadSketch() reads, in rows below KV's limit", () =>
  withStore(async (store) => {
    // More pseudonyms a value than are kept exactly, so that one value takes a KiB and all take several rows.
    const sketch = sketchOf(1, 60_000);
    assertEquals(await mergeSketch(store, NAME, sketch), (await rowsOf(store)).length);
    const rows = await rowsOf(store);
    assert(rows.length > 2);
    for (const { value } of rows) assert(value.length <= 60 * 1024, `${value.length}`);
    assertEquals(serialize(await loadSketch(store, NAME, PARAMETERS)), serialize(sketch));
  }));

Deno.test("mergeSketch() writes nothing when nothing is new", () =>
  withStore(async (store) => {
    const sketch = sketchOf(1, 2_000);
    await mergeSketch(store, NAME, sketch);
    assertEquals(await mergeSketch(store, NAME, sketch), 0);
    assertEquals(await mergeSketch(store, NAME, new KHyperLogLog(PARAMETERS)), 0);
  }));

Deno.test("mergeSketch() gives every process the union, and splits finer as it grows", () =>
  withStore(async (store) => {
    const first = sketchOf(1, 400), second = sketchOf(2, 60_000);
    const expected = serialize(union(first, second));
    await mergeSketch(store, NAME, first);
    assertEquals((await rowsOf(store)).map(({ key }) => key.slice(-2)), [[1, 0]]);
    await mergeSketch(store, NAME, second);
    assertEquals(serialize(second), expected);
    // The old split is gone, since the new one holds it.
    const counts = new Set((await rowsOf(store)).map(({ key }) => key.at(-2)));
    assertEquals(counts.size, 1);
    assertEquals(counts.has(1), false);
    await mergeSketch(store, NAME, first);
    assertEquals(serialize(first), expected);
  }));

Deno.test("mergeSketch() loses nothing when eight processes race for the same rows", () =>
  withStore(async (store) => {
    const sketches = Array.from({ length: 8 }, (_, index) => sketchOf(index, 3_000 * (index + 1)));
    const expected = serialize(union(...sketches));
    await Promise.all(sketches.map((sketch) => mergeSketch(store, NAME, sketch)));
    assertEquals(serialize(await loadSketch(store, NAME, PARAMETERS)), expected);
  }));

Deno.test("mergeSketch() may end at any commit: what was stored before is stored still", async () => {
  for (let crash = 0;; crash++) {
    const kv = await Deno.openKv(":memory:");
    const before = sketchOf(1, 5_000);
    await mergeSketch(storeOver(kv), NAME, before);
    const faulty = faultyKv(kv);
    // From this commit on the process is gone.
    faulty.fault = (commit) => commit >= crash ? "throw" : "none";
    const added = sketchOf(2, 60_000);
    const expected = serialize(union(before, added));
    const isDone = await mergeSketch(storeOver(faulty.kv), NAME, added).then(() => true, () => false);
    const stored = await loadSketch(storeOver(kv), NAME, PARAMETERS);
    // Everything that was there is there, and nothing that nobody saw.
    assertEquals(serialize(union(stored, before)), serialize(stored));
    assertEquals(serialize(union(stored, added)), expected);
    // The next process finishes it.
    await mergeSketch(storeOver(kv), NAME, sketchOf(2, 60_000));
    assertEquals(serialize(await loadSketch(storeOver(kv), NAME, PARAMETERS)), expected);
    assertEquals(new Set((await rowsOf(storeOver(kv))).map(({ key }) => key.at(-2))).size, 1);
    kv.close();
    if (isDone) {
      assert(crash > 4, `only ${crash} commits were tried`);
      return;
    }
  }
});

Deno.test("mergeSketch() survives commits that land and say that they did not", async () => {
  for (const fault of ["land and say no", "say no"] as CommitFault[]) {
    await withStore(async (store, kv) => {
      const faulty = faultyKv(kv);
      faulty.fault = (commit) => commit % 2 === 0 ? fault : "none";
      const sketch = sketchOf(1, 20_000);
      await mergeSketch(storeOver(faulty.kv), NAME, sketch);
      assertEquals(serialize(await loadSketch(store, NAME, PARAMETERS)), serialize(sketch));
    });
  }
});

Deno.test("mergeSketch() gives up on a row that others always change, and can be called again", () =>
  withStore(async (_store, kv) => {
    const faulty = faultyKv(kv);
    faulty.fault = () => "say no";
    const store = storeOver(faulty.kv);
    const sketch = sketchOf(1, 100);
    await assertRejects(() => mergeSketch(store, NAME, sketch), SketchContention);
    faulty.fault = () => "none";
    assertEquals(await mergeSketch(store, NAME, sketch), 1);
  }));

Deno.test("mergeSketch() overwrites a row that is no sketch of these parameters", () =>
  withStore(async (store, kv) => {
    await kv.set(sketchKey(NAME, 1, 0), new Uint8Array([1, 2, 3]));
    assertEquals((await loadSketch(store, NAME, PARAMETERS)).size, 0);
    const sketch = sketchOf(1, 100);
    await mergeSketch(store, NAME, sketch);
    assertEquals(serialize(await loadSketch(store, NAME, PARAMETERS)), serialize(sketch));
  }));
