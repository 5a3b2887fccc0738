/** One answer a calendar period under local differential privacy, whatever the service says of the time. */
import { assert, assertEquals } from "@std/assert";
import { localDpReport } from "../../client/local_dp.ts";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { present } from "../support/base/present.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { makeClient, NEVER_SECONDS } from "../support/client/client_under_test.ts";
import { withMovedKeys } from "../support/client/moved_keys.ts";
import { seededRandom } from "../core/voprf/suites.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const YEAR = 365 * DAY;

/** So many reports are possible that two that were drawn apart hardly ever are the same one. */
const ASKED = {
  description: "d",
  purpose: "p",
  owner: "o",
  expires: "2099-12-31",
  fields: { value: { type: "integer", min: 0, max: 999, localDp: { epsilon: 1 } } },
} as const;

/** How far the `Date` of each document is off, over and over. By whole weeks, the keys are, too. */
const LIES: Readonly<Record<string, readonly number[]>> = {
  "a week back and further each time": Array.from(
    { length: 60 },
    (_, index) => -(index >> 1) * WEEK * (index % 2),
  ),
  "a week ahead and further each time": Array.from(
    { length: 60 },
    (_, index) => (index >> 1) * WEEK * (index % 2),
  ),
  "back and forth by less than an hour": [59 * MINUTE, -59 * MINUTE, 30 * MINUTE, -30 * MINUTE],
  "back and forth by all that there is": [HOUR, -HOUR, DAY, -DAY, WEEK, -WEEK, YEAR, -YEAR, 0],
};

/** A service whose documents say another time each, and whose key ends again and again. */
function lying(test: TestService, offsets: readonly number[]) {
  const logs: { pseudonym: string; report: number; at: number }[] = [];
  let asked = 0;
  let answered = 0;
  const fetch: Fetch = async (url, init) => {
    if (url.endsWith("/logs")) {
      const { pseudonym, events } = JSON.parse(new TextDecoder().decode(init.body as Uint8Array));
      logs.push({ pseudonym, report: events[0].fields.value, at: test.clock.now });
      if (answered++ % 2 === 0) {
        const headers = { "content-type": "application/problem+json" };
        return Response.json({ code: "key_unknown" }, { status: 401, headers });
      }
    }
    const response = await test.fetch(url, init);
    if (/\/(?:keys|schema)$/.test(url)) {
      const offset = present(offsets[asked++ % offsets.length]);
      response.headers.set("date", new Date(test.clock.now + offset).toUTCString());
      response.headers.set("cache-control", "max-age=0");
      if (url.endsWith("/keys") && offset % WEEK === 0) {
        return await withMovedKeys(test, response, offset / DAY);
      }
    }
    return response;
  };
  return { logs, fetch };
}

for (const [name, offsets] of Object.entries(LIES)) {
  Deno.test(`a device whose service says times ${name} answers once a calendar period`, async () => {
    const test = await startService({ events: { asked: ASKED }, tokensPerClient: 64 });
    // Half an hour before a turn: where an hour can do most.
    test.clock.now = Math.ceil(test.clock.now / WEEK) * WEEK - HOUR / 2;
    const { logs, fetch } = lying(test, offsets);
    const storage = new MemoryStorage();
    const random = seededRandom("a device");
    const weeks = 3;
    for (let step = 0; step < 20 * weeks; step++) {
      // Each time another process, which knows what is stored alone.
      const { client } = makeClient(test, {
        ...{ storage, fetch, random, localDp: localDpReport, gzip: false, delaySeconds: NEVER_SECONDS },
      });
      client.log("asked" as never, { value: 500 } as never);
      await client.flush();
      await client.close();
      // Half of the steps lie around the turn.
      test.clock.now += step % 20 < 10 ? 6 * MINUTE : (WEEK - HOUR) / 10;
    }
    const byPseudonym = Map.groupBy(logs, ({ pseudonym }) => pseudonym);
    const periods = new Set(logs.map(({ at }) => Math.floor(at / WEEK))).size;
    assert(periods >= weeks, String(periods));
    // One at most is ahead of its calendar, by an hour at most.
    assert(byPseudonym.size <= periods + 1, `${byPseudonym.size} pseudonyms in ${periods} periods`);
    for (const same of byPseudonym.values()) {
      assertEquals(new Set(same.map(({ report }) => report)).size, 1);
      const [first, last] = [present(same[0]).at, present(same.at(-1)).at];
      assert(last - first <= WEEK + HOUR, String(last - first));
    }
    // None comes back once another one was used.
    const order = logs.map(({ pseudonym }) => pseudonym).filter((one, index, all) => one !== all[index - 1]);
    assertEquals(order.length, byPseudonym.size);
    await test.close();
  });
}
