import { assert, assertEquals } from "@std/assert";
import { randomFraction, shuffledRange } from "../../../client/base/random.ts";
import { seededRandom } from "../../core/voprf/suites.ts";

Deno.test("shuffledRange() gives each number once, and every order is as likely", () => {
  const random = seededRandom("orders");
  assertEquals(shuffledRange(64, random).toSorted((a, b) => a - b), Array.from({ length: 64 }, (_, i) => i));
  assertEquals(shuffledRange(0, random), []);
  const counts = new Map<string, number>();
  for (let round = 0; round < 6000; round++) {
    const order = shuffledRange(3, random).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 6);
  // Five standard deviations of 6000 draws of one in six are 145.
  for (const count of counts.values()) assert(Math.abs(count - 1000) < 145);
});

Deno.test("randomFraction() is in [0, 1)", () => {
  assertEquals(randomFraction((length) => new Uint8Array(length)), 0);
  assert(randomFraction((length) => new Uint8Array(length).fill(0xff)) < 1);
});
