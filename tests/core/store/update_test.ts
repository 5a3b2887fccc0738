import { assertEquals, assertRejects } from "@std/assert";
import { StoreUnavailable } from "../../../core/store/breaker.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { faultyKv } from "../../support/store/faulty_kv.ts";

const KEY = ["x"];

Deno.test("update() shows what is there and commits what the change writes", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  const add = () =>
    store.update<number, number>(KEY, ({ value }, commit) => {
      const sum = (value ?? 0) + 1;
      commit.set(KEY, sum).set(["other"], sum);
      return sum;
    });
  assertEquals((await add()).result, 1);
  const { result, stamp } = await add();
  assertEquals(result, 2);
  assertEquals(await store.getMany([KEY, ["other"]]), [
    { key: KEY, value: 2, stamp: stamp ?? "" },
    { key: ["other"], value: 2, stamp: stamp ?? "" },
  ]);
});

Deno.test("update() commits nothing when there is nothing to write", async () => {
  using kv = await Deno.openKv(":memory:");
  const faulty = faultyKv(kv);
  const done = await storeOver(faulty.kv).update<number, string>(KEY, () => "as it is");
  assertEquals(done, { result: "as it is", stamp: undefined });
  assertEquals(faulty.counts.commits, 0);
});

Deno.test("update() looks again when somebody was faster, and tells what it gave before", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  const told: (string | undefined)[] = [];
  const { result } = await store.update<string, string>(KEY, async (entry, commit, overtaken) => {
    told.push(overtaken);
    if (overtaken === undefined) await kv.set(KEY, "theirs");
    commit.set(KEY, "mine");
    return `after ${entry.value}`;
  });
  assertEquals(told, [undefined, "after null"]);
  assertEquals(result, "after theirs");
  assertEquals((await kv.get(KEY)).value, "mine");
});

Deno.test("update() of which others are always faster ends", async () => {
  using kv = await Deno.openKv(":memory:");
  const faulty = faultyKv(kv);
  faulty.fault = () => "say no";
  const store = storeOver(faulty.kv);
  await assertRejects(() => store.update(KEY, (_, commit) => void commit.set(KEY, 1)), StoreUnavailable);
  assertEquals(faulty.counts.commits, 100);
});
