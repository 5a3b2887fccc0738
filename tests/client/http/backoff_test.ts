import { assert, assertEquals } from "@std/assert";
import { isDue, NO_RETRY, retryLater } from "../../../client/http/backoff.ts";
import type { Retry } from "../../../client/storage/records.ts";
import { seededRandom } from "../../core/voprf/suites.ts";

const NOW = 1_800_000_000_000;

/** A source whose fractions are all `fraction`. */
const fixed = (fraction: number) => (length: number) => {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, Math.min(fraction * 2 ** 32, 2 ** 32 - 1));
  return bytes;
};

Deno.test("retryLater() waits anything from nothing to a ceiling that doubles to 15 minutes", () => {
  let retry: Retry = NO_RETRY;
  const ceilings: number[] = [];
  for (let failure = 0; failure < 12; failure++) {
    const atOnce = retryLater(retry, NOW, fixed(0));
    assertEquals(atOnce.retryAt, NOW);
    retry = retryLater(retry, NOW, fixed(1));
    ceilings.push(Math.ceil((retry.retryAt - NOW) / 1000));
  }
  assertEquals(ceilings, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  assertEquals(retry.failures, 12);
});

Deno.test("retryLater() spreads a fleet evenly", () => {
  const random = seededRandom("a fleet");
  const waits = Array.from({ length: 2000 }, () => retryLater(NO_RETRY, 0, random).retryAt / 2000);
  const below = (share: number) => waits.filter((wait) => wait < share).length / waits.length;
  // Five standard deviations of 2000 draws are below 0.056.
  for (const share of [0.25, 0.5, 0.75]) assert(Math.abs(below(share) - share) < 0.056);
});

Deno.test("retryLater() never comes before the service asked, and force does not overrule it", () => {
  const asked = retryLater(NO_RETRY, NOW, fixed(0), 60_000);
  assertEquals(asked.retryAt, NOW + 60_000);
  assertEquals(isDue(asked, NOW + 59_999, true), false);
  assertEquals(isDue(asked, NOW + 60_000, false), true);
  const own = retryLater(NO_RETRY, NOW, fixed(0.5));
  assertEquals([isDue(own, NOW, false), isDue(own, NOW, true)], [false, true]);
});

Deno.test("retryLater() waits forty minutes at most, whatever the service asks and however often it failed", () => {
  for (const failures of [0, 1, 5, 30]) {
    for (const fraction of [0, 1]) {
      const retry = retryLater({ ...NO_RETRY, failures }, NOW, fixed(fraction), 999_999_999_000);
      assert(retry.retryAt <= NOW + 2_400_000);
      assert(retry.retryAt >= NOW + 1_500_000);
      assertEquals(isDue(retry, NOW + 1_499_999, true), false);
      assertEquals(isDue(retry, NOW + 2_400_000, false), true);
    }
  }
});

Deno.test("isDue() says so within the hour, whatever a client of before stored", () => {
  const far = { failures: 1, failedAt: NOW, retryAt: NOW + 1e12, asked: true };
  assertEquals([isDue(far, NOW + 2_399_999, true), isDue(far, NOW + 2_400_000, false)], [false, true]);
  for (const failedAt of [NOW + 1e12, undefined, null, NaN]) {
    assertEquals(isDue({ ...far, failedAt } as Retry, NOW + 3_600_000, false), true);
  }
});
