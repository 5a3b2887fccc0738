import { assert, assertEquals } from "@std/assert";
import { watchRotation } from "../support/processes/rotation_watch.ts";

Deno.test("keys rotate in front of eight busy clients, across a kill -9, without one refusal", async () => {
  const watched = await watchRotation({ epochSeconds: 12, seconds: 32, killAfter: [10], clients: 8 });
  const { no_answer, key_not_issuing = 0, ...refusals } = watched.refused;
  assertEquals(refusals, {});
  // The one refusal that cannot be helped, and only where it cannot.
  assert(key_not_issuing <= watched.crossed, JSON.stringify(watched));
  assert(no_answer! > 0, "nobody noticed the kill");
  assertEquals(watched.dropped, {});
  assertEquals([watched.sent, watched.stored], [watched.logged, watched.logged]);
  assert(watched.logged > 200, JSON.stringify(watched));
  // A token lives for two epochs, and the watch lasts for nearly three.
  assert(watched.tokens >= 8 * 2, JSON.stringify(watched));
  assert(watched.destroyed >= 1, JSON.stringify(watched));
});
