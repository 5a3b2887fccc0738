import { assertEquals, assertRejects } from "@std/assert";
import { StoreUnavailable } from "../../../core/store/breaker.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { ListOptions, Store } from "../../../core/store/store.ts";
import { faultyKv } from "../../support/store/faulty_kv.ts";
import { setRow } from "../../support/store/rows.ts";

async function withStore(run: (store: Store) => Promise<void>): Promise<void> {
  const store = storeOver(await Deno.openKv(":memory:"));
  try {
    await run(store);
  } finally {
    store.close();
  }
}

Deno.test("list() gives every row once, in order, whatever the page", () =>
  withStore(async (store) => {
    for (let index = 0; index < 25; index++) await setRow(store, ["x", index], index);
    const read = async (options: ListOptions) =>
      (await Array.fromAsync(store.list<number>({ prefix: ["x"] }, options))).map(({ value }) => value);
    const all = Array.from({ length: 25 }, (_, index) => index);
    for (const batchSize of [1, 5, 7, 25, 26, 100]) assertEquals(await read({ batchSize }), all);
    assertEquals(await read({ batchSize: 4, limit: 10 }), all.slice(0, 10));
    assertEquals(await read({ limit: 3 }), all.slice(0, 3));
    assertEquals(await read({ batchSize: 6, limit: 8, reverse: true }), all.slice(-8).reverse());
    assertEquals(await Array.fromAsync(store.list({ prefix: ["y"] })), []);
  }));

Deno.test("getMany() gives rows in the order of their keys", () =>
  withStore(async (store) => {
    for (let index = 0; index < 35; index++) await setRow(store, ["x", index], index);
    const keys = Array.from({ length: 40 }, (_, index) => ["x", 39 - index]);
    const values = (await store.getMany<number>(keys)).map(({ value }) => value);
    assertEquals(values, Array.from({ length: 40 }, (_, index) => index < 5 ? null : 39 - index));
  }));

Deno.test("every call has a deadline, and the operator hears of faults", async () => {
  const kv = await Deno.openKv(":memory:");
  const faulty = faultyKv(kv);
  const heard: string[] = [];
  const store = storeOver(faulty.kv, { deadlineMs: 10, onFault: ({ why }) => heard.push(why) });
  faulty.readsHang = true;
  await assertRejects(() => store.get(["x"]), StoreUnavailable);
  await assertRejects(() => store.getMany([["x"]]), StoreUnavailable);
  faulty.fault = (commit) => commit === 0 ? "hang" : "throw";
  await assertRejects(() => store.commit((operation) => operation.set(["x"], 1)), StoreUnavailable);
  await assertRejects(() => store.commit((operation) => operation.set(["x"], 1)), StoreUnavailable);
  assertEquals(heard, ["late", "late", "late", "failed"]);
  await faulty.settle();
  kv.close();
});

Deno.test("a commit that a check held back does not show that the store writes again", async () => {
  const kv = await Deno.openKv(":memory:");
  const faulty = faultyKv(kv);
  const store = storeOver(faulty.kv);
  const write = () => store.commit((operation) => operation.set(["x"], 1));
  await write();
  faulty.fault = () => "throw";
  await assertRejects(write, StoreUnavailable);
  faulty.fault = () => "none";
  assertEquals(
    await store.commit((operation) => operation.check({ key: ["x"], stamp: null }).set(["y"], 1)),
    undefined,
  );
  assertEquals(store.answers, false);
  await write();
  assertEquals(store.answers, true);
  kv.close();
});

Deno.test("commit() gives the stamp, or undefined when a check failed", () =>
  withStore(async (store) => {
    const stamp = await store.commit((operation) => operation.set(["x"], 1));
    assertEquals((await store.get(["x"])).stamp, stamp);
    const again = await store.commit((operation) =>
      operation.check({ key: ["x"], stamp: null }).set(["x"], 2)
    );
    assertEquals(again, undefined);
  }));
