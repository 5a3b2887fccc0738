import { assertEquals } from "@std/assert";
import { FairQueue } from "../../../core/ledger/fair_queue.ts";

function takeAll(queue: FairQueue<string>): string[] {
  const taken: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) taken.push(item);
  return taken;
}

Deno.test("shift() takes one of each lane in turn, and those of a lane in order of arrival", () => {
  const queue = new FairQueue<string>();
  for (const item of ["a1", "a2", "a3", "b1", "c1", "b2"]) queue.push(item.charAt(0), item);
  assertEquals(takeAll(queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
});

Deno.test("a lane that comes later has its turn before the lanes that were served", () => {
  const queue = new FairQueue<string>();
  for (const item of ["a1", "a2", "b1", "b2"]) queue.push(item.charAt(0), item);
  assertEquals([queue.shift(), queue.shift()], ["a1", "b1"]);
  queue.push("c", "c1");
  assertEquals(takeAll(queue), ["a2", "b2", "c1"]);
});

Deno.test("peek() gives what shift() takes, and leaves it there", () => {
  const queue = new FairQueue<string>();
  assertEquals([queue.empty, queue.peek(), queue.shift()], [true, undefined, undefined]);
  queue.push("a", "a1");
  queue.push("b", "b1");
  for (const item of ["a1", "b1"]) {
    assertEquals([queue.empty, queue.peek(), queue.peek()], [false, item, item]);
    assertEquals(queue.shift(), item);
  }
  assertEquals(queue.empty, true);
});
