import { assertEquals } from "@std/assert";
import { Batcher } from "../../../core/ledger/batcher.ts";

const GUARD = { key: ["a", 1], stamp: "0" };
const LIMIT = { fits: (claims: number) => claims <= 4 };

interface Item {
  readonly name: string;
  readonly lane: string;
  readonly bytes: number;
  readonly guard: typeof GUARD;
}

/** Groups as they came, each under way until `end` is called. */
interface Groups {
  readonly names: string[];
  end(back?: readonly Item[]): void;
}

/** A batcher, and the groups that it made. The first letter of an item's name is its lane. */
function batcher(maxInFlight: number) {
  const groups: Groups[] = [];
  const batcher = new Batcher<Item>({
    maxInFlight,
    limit: LIMIT,
    settle(group) {
      const { promise, resolve } = Promise.withResolvers<readonly Item[]>();
      groups.push({ names: group.map(({ name }) => name), end: (back = []) => resolve(back) });
      return promise;
    },
  });
  const push = (...names: string[]) => {
    for (const name of names) batcher.push(itemOf(name));
  };
  return { groups, push, drain: () => batcher.drain(), names: () => groups.map(({ names }) => names) };
}

function itemOf(name: string): Item {
  return { name, lane: name.charAt(0), bytes: 1, guard: GUARD };
}

/** Until the event loop has come round twice: what was pushed has been put into groups. */
async function turns(): Promise<void> {
  for (const _ of [1, 2]) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("what arrives in one turn of the event loop is one group", async () => {
  const { groups, push, names } = batcher(1);
  push("a1", "b1");
  await Promise.resolve();
  push("c1");
  assertEquals(groups.length, 0);
  await turns();
  assertEquals(names(), [["a1", "b1", "c1"]]);
});

Deno.test("what arrives while a group is under way goes together when it has returned", async () => {
  const { groups, push, names } = batcher(1);
  push("a1");
  await turns();
  push("b1");
  await turns();
  push("c1");
  await turns();
  assertEquals(names(), [["a1"]]);
  groups[0]?.end();
  await turns();
  assertEquals(names(), [["a1"], ["b1", "c1"]]);
});

Deno.test("a group is no larger than the limit, and each lane has its turn in it", async () => {
  const { groups, push, names } = batcher(1);
  push("a1", "a2", "a3", "a4", "a5", "b1", "c1");
  await turns();
  groups[0]?.end();
  await turns();
  assertEquals(names(), [["a1", "b1", "c1", "a2"], ["a3", "a4", "a5"]]);
});

Deno.test("so many groups are under way at once as may be", async () => {
  const { groups, push, names } = batcher(2);
  push(...Array.from({ length: 12 }, (_, index) => `a${index}`));
  await turns();
  assertEquals(groups.length, 2);
  groups[1]?.end();
  await turns();
  assertEquals(names().map(({ length }) => length), [4, 4, 4]);
});

Deno.test("what is given back is in a later group, behind what waits in its lane", async () => {
  const { groups, push, names } = batcher(1);
  push("a1", "b1");
  await turns();
  push("a2");
  groups[0]?.end([itemOf("a1")]);
  await turns();
  assertEquals(names(), [["a1", "b1"], ["a2", "a1"]]);
});

Deno.test("drain() waits for what waits, what is under way and what is given back", async () => {
  const { groups, push, drain } = batcher(1);
  await drain();
  push("a1");
  let drained = 0;
  const waiting = [drain(), drain()].map((promise) => promise.then(() => drained++));
  await turns();
  groups[0]?.end([itemOf("a1")]);
  await turns();
  assertEquals([groups.length, drained], [2, 0]);
  groups[1]?.end();
  await Promise.all(waiting);
  await drain();
  assertEquals(drained, 2);
});
