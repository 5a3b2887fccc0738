import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { WaitingRoom } from "../../../core/ledger/waiting_room.ts";

function isFull(room: WaitingRoom): boolean {
  try {
    room.admit();
    return false;
  } catch {
    return true;
  }
}

Deno.test("admit() refuses when so many requests wait, until one has gone", () => {
  const room = new WaitingRoom({ maxWaiting: 2, maxWaitingBytes: 1_000 });
  for (const waiting of [1, 2]) {
    assertEquals(isFull(room), false);
    room.enter(1);
    assertEquals(room.waiting, waiting);
  }
  const refusal = assertThrows(() => room.admit(), Refusal);
  assertEquals([refusal.code, refusal.details.retryAfterSeconds], ["overloaded", 1]);
  room.leave(1);
  assertEquals([room.waiting, isFull(room)], [1, false]);
});

Deno.test("admit() refuses when so many bytes wait, until they have gone", () => {
  const room = new WaitingRoom({ maxWaiting: 100, maxWaitingBytes: 1_000 });
  room.enter(999);
  assertEquals(isFull(room), false);
  // What was let in may bring more than was left.
  room.enter(500);
  assertEquals(isFull(room), true);
  room.leave(999);
  assertEquals(isFull(room), false);
});
