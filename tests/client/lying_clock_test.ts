import { assert, assertEquals } from "@std/assert";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { CLOCK, PENDING, type PendingRecord, PERIOD, SCHEMA } from "../../client/storage/records.ts";
import { type ClientChanges, makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** 2027-01-21 00:00 UTC, a Thursday: epoch and pseudonym turn. */
const TURN = Date.UTC(2027, 0, 21);
/** The event's time as it is stored where none was sent, or that of the device: both by the hour. */
const instant = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 13) + ":00:00Z";

/** A service whose clock lies, so that keys and answers lie with it, and a client whose clock does not. */
async function lying(changes: ClientChanges = {}) {
  const test = await startService({ tokensPerClient: 64 });
  const device = { now: test.clock.now };
  const { client, heard } = makeClient(test, { now: () => device.now, ...changes });
  return {
    test,
    device,
    client,
    heard,
    /** Logs and sends at a moment, by a service that is so far ahead; the pseudonyms that were sent under until then. */
    async log(now: number, ahead: number) {
      device.now = now;
      test.clock.now = now + ahead;
      client.log("app_opened", {});
      await client.flush();
      return (await test.records()).map(({ pseudonym }) => present(pseudonym));
    },
    async close() {
      await client.close();
      await test.close();
    },
  };
}

/** Answers with another time than the service's; the rest is true. */
function dated(test: TestService, date: () => string | undefined): Fetch {
  return async (url, init) => {
    const response = await test.fetch(url, init);
    const value = date();
    if (value === undefined) response.headers.delete("date");
    else response.headers.set("date", value);
    return response;
  };
}

const distinct = (pseudonyms: string[]) => new Set(pseudonyms).size;

Deno.test("a period never goes back: who was led ahead by a lie waits until it begins, and loses nothing", async () => {
  const { log, heard, close } = await lying();
  const before = await log(TURN - 2 * HOUR, 0);
  assertEquals(before.length, 1);
  // Led into the next period half an hour before it begins.
  const led = await log(TURN - 30 * MINUTE, 50 * MINUTE);
  assertEquals([led.length, distinct(led)], [2, 2]);
  for (const minutes of [29, 20, 10, 1]) {
    assertEquals((await log(TURN - minutes * MINUTE, 0)).length, 2);
    assertEquals((await log(TURN - minutes * MINUTE, -HOUR)).length, 2);
  }
  const after = await log(TURN + MINUTE, 0);
  assertEquals(distinct(after), 2);
  assertEquals(heard.sent.reduce((sum, { events }) => sum + events, 0), 11);
  assertEquals(heard.dropped, []);
  await close();
});

Deno.test("a service that goes back after the turn gets no log under the pseudonym of before", async () => {
  const { log, heard, close } = await lying();
  const [first] = await log(TURN - 2 * HOUR, 0);
  assertEquals(distinct(await log(TURN + 2 * MINUTE, 0)), 2);
  // An hour back, a day, a week, for as long as it likes.
  for (const back of [HOUR, DAY, WEEK, 3 * WEEK]) {
    const all = await log(TURN + 3 * MINUTE, -back);
    assertEquals(all.filter((pseudonym) => pseudonym === first).length, 1);
  }
  const all = await log(TURN + 4 * MINUTE, 0);
  assertEquals([distinct(all), all.filter((pseudonym) => pseudonym === first).length], [2, 1]);
  assertEquals(heard.sent.reduce((sum, { events }) => sum + events, 0), 7);
  await close();
});

Deno.test("no time that a service tells leads farther than the next period, or back into one that is over", async () => {
  for (const seed of [1, 2, 3]) {
    const { log, heard, close } = await lying();
    let random = seed;
    const draw = (most: number) => (random = random * 48_271 % 2_147_483_647) % most;
    const lies = [0, HOUR, -HOUR, 50 * MINUTE, -50 * MINUTE, DAY, -DAY, WEEK, -WEEK, 520 * WEEK];
    const order: string[] = [];
    // From a day before the turn to a day after it.
    for (let now = TURN - DAY; now < TURN + DAY; now += (20 + draw(80)) * MINUTE) {
      const all = await log(now, present(lies[draw(lies.length)]));
      for (const pseudonym of all) if (!order.includes(pseudonym)) order.push(pseudonym);
      // In the order of their first use: the second one never before an hour before the turn.
      assert(order.length <= (now >= TURN - HOUR ? 2 : 1), `${order.length} pseudonyms`);
    }
    const pseudonyms = await log(TURN + DAY + HOUR, 0);
    assert(distinct(pseudonyms) <= 2);
    // What left under the first one and was refused goes under no other.
    assert(heard.dropped.every(({ reason }) => reason === "period_over"));
    await close();
  }
});

Deno.test("a time that is farther off than an hour picks no key and moves no event", async () => {
  for (const far of [-WEEK, -DAY, -61 * MINUTE, 61 * MINUTE, DAY, WEEK]) {
    const test = await startService();
    const fetch = dated(test, () => new Date(test.clock.now + far).toUTCString());
    const { client, heard } = makeClient(test, { fetch });
    client.log("app_opened", {});
    await client.flush();
    assertEquals(heard.sent, [{ events: 1, replayed: false }]);
    assertEquals(heard.refused, [
      { step: "schema", code: "clock_refused" },
      { step: "directory", code: "clock_refused" },
    ]);
    const [record] = await test.records();
    assertEquals(record?.events.map(({ at }) => at), [instant(test.clock.now)]);
    await client.close();
    await test.close();
  }
});

Deno.test("what came with a refused time is fetched again after ten minutes, what did not after forty minutes", async () => {
  for (const [far, minutes] of [[DAY, 10], [0, 40]] as const) {
    const test = await startService();
    const dates = dated(test, () => new Date(test.clock.now + far).toUTCString());
    let fetched = 0;
    const { client } = makeClient(test, {
      async fetch(url, init) {
        const response = await dates(url, init);
        if (!url.endsWith("/schema")) return response;
        fetched++;
        response.headers.set("cache-control", "public, max-age=31536000");
        return response;
      },
    });
    const log = async () => {
      client.log("app_opened", {});
      await client.flush();
      return fetched;
    };
    assertEquals(await log(), 1);
    test.clock.now += minutes * MINUTE - 1000;
    assertEquals(await log(), 1);
    test.clock.now += 1000;
    assertEquals(await log(), 2);
    await client.close();
    await test.close();
  }
});

Deno.test("no date makes anything throw, and events that wait go out once the service tells the time", async () => {
  for (
    const date of [
      "+275760-09-13T00:00:00Z",
      "-271821-04-20T00:00:00Z",
      "Thu, 01 Jan 1970 00:00:00 GMT",
      "Sat, 31 Dec 99999 23:59:59 GMT",
      "",
      "soon",
      undefined,
    ]
  ) {
    const test = await startService();
    const storage = new MemoryStorage();
    let isLying = true;
    const lies = dated(test, () => date);
    const fetch: Fetch = (url, init) => {
      if (!isLying) return test.fetch(url, init);
      // It takes no logs either.
      return url.endsWith("/logs") ? Promise.resolve(new Response(null, { status: 500 })) : lies(url, init);
    };
    const { client, heard } = makeClient(test, { storage, fetch });
    client.log("app_opened", {});
    await client.flush();
    client.log("app_opened", {});
    await client.inspect();
    isLying = false;
    test.clock.now += HOUR;
    await client.flush();
    assertEquals(heard.sent.reduce((sum, { events }) => sum + events, 0), 2, String(date));
    assertEquals([heard.dropped, heard.refused.filter(({ step }) => step === "storage")], [[], []]);
    await client.close();
    await test.close();
  }
});

Deno.test("an event goes without a time of more than an hour ahead, and is too old by the device's clock alone", async () => {
  const test = await startService();
  const device = { ahead: 0 };
  const { client, heard } = makeClient(test, { now: () => test.clock.now + device.ahead });
  client.log("app_opened", {});
  await client.flush();
  for (const ahead of [3 * HOUR, 400 * DAY, -8 * DAY]) {
    device.ahead = ahead;
    client.log("app_opened", {});
    await client.inspect();
  }
  device.ahead = 0;
  await client.flush();
  assertEquals(heard.dropped, [{ events: 1, reason: "too_old" }]);
  const times = (await test.records()).flatMap(({ events }) => events.map(({ at }) => at));
  assertEquals(times, [instant(test.clock.now), instant(test.clock.now), instant(test.clock.now)]);
  await client.close();
  await test.close();
});

for (const step of ["logs", "tokens", "schema", "keys"] as const) {
  Deno.test(`a service that asks to wait for 31 years at ${step} is asked again within the hour`, async () => {
    const test = await startService();
    let isLying = true;
    const { client, heard } = makeClient(test, {
      fetch: (url, init) =>
        isLying && url.endsWith(`/${step}`)
          ? Promise.resolve(
            new Response(JSON.stringify({ code: "overloaded" }), {
              status: 429,
              headers: { "content-type": "application/problem+json", "retry-after": "999999999" },
            }),
          )
          : test.fetch(url, init),
    });
    client.log("app_opened", {});
    await client.flush();
    isLying = false;
    test.clock.now += 24 * MINUTE;
    await client.flush();
    assertEquals(heard.sent, []);
    test.clock.now += 16 * MINUTE;
    await client.flush();
    assertEquals(heard.sent, [{ events: 1, replayed: false }]);
    await client.close();
    await test.close();
  });
}

Deno.test("what an older client stored of the far future holds nothing for longer than an hour", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const asked: string[] = [];
  let isRefusing = true;
  const { client, heard } = makeClient(test, {
    storage,
    fetch(url, init) {
      if (!url.endsWith("/tokens")) return test.fetch(url, init);
      asked.push(new TextDecoder("latin1").decode(init.body as Uint8Array<ArrayBuffer>));
      return isRefusing ? Promise.resolve(new Response(null, { status: 500 })) : test.fetch(url, init);
    },
  });
  client.log("app_opened", {});
  await client.flush();
  isRefusing = false;
  const far = test.clock.now + 1e12;
  await storage.transaction((entries) => {
    const edit = (key: string, change: object) =>
      entries.set(key, JSON.stringify({ ...JSON.parse(present(entries.get(key))), ...change }));
    const key: Partial<PendingRecord> = {
      keyId: "A".repeat(43),
      notBefore: far / 1000,
      redeemUntil: far / 500,
    };
    edit(PENDING, { ...key, failures: 9, asked: true, retryAt: far });
    edit(SCHEMA, { freshUntil: far });
    entries.set(CLOCK, String(1e12));
    entries.set(PERIOD, String(far / 1000));
  });
  test.clock.now += HOUR;
  await client.flush();
  assertEquals(heard.sent, [{ events: 1, replayed: false }]);
  // The request for that key is no more.
  assertEquals(new Set(asked).size, 2);
  await client.close();
  await test.close();
});

Deno.test("a time that is ahead ends no log whose outcome is unknown before its key does", async () => {
  const test = await startService();
  let [ahead, isLost] = [0, true];
  const lies = dated(test, () => new Date(test.clock.now + ahead).toUTCString());
  const { client, heard } = makeClient(test, {
    async fetch(url, init) {
      const response = await lies(url, init);
      return isLost && url.endsWith("/logs") ? new Response(null, { status: 502 }) : response;
    },
  });
  client.log("app_opened", {});
  await client.flush();
  // The key of the day redeems for another one.
  test.clock.now = Date.UTC(2027, 0, 16, 23, 30);
  ahead = 50 * MINUTE;
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.dropped, []);
  [ahead, isLost] = [0, false];
  test.clock.now += 10 * MINUTE;
  await client.flush();
  test.clock.now += 50 * MINUTE;
  await client.flush();
  assertEquals(heard.dropped, []);
  assert(heard.sent.some(({ replayed }) => replayed));
  assertEquals((await test.records()).flatMap(({ events }) => events).length, 2);
  await client.close();
  await test.close();
});

for (const [what, isLost] of [["tokens", false], ["request for tokens", true]] as const) {
  Deno.test(`a time that leads back into the last period takes no ${what} of this one along`, async () => {
    const test = await startService({ tokensPerClient: 1 });
    // The key of the day before has to be there.
    test.clock.now = TURN - HOUR;
    await test.fetch("https://telemetry.example/v1/apps/notes/keys", {});
    test.clock.now = TURN + 5 * MINUTE;
    let [ahead, isLosing] = [0, isLost];
    const lies = dated(test, () => new Date(test.clock.now + ahead).toUTCString());
    const asked = Promise.withResolvers<void>();
    const { client, heard } = makeClient(test, {
      async fetch(url, init) {
        const response = await lies(url, init);
        if (!url.endsWith("/tokens")) return response;
        setTimeout(asked.resolve, 0);
        return isLosing ? new Response(null, { status: 502 }) : response;
      },
    });
    client.log("app_opened", {});
    await asked.promise;
    isLosing = false;
    ahead = -50 * MINUTE;
    test.clock.now += HOUR / 6;
    await client.flush();
    assertEquals([heard.issued.length, heard.sent.length], [isLost ? 0 : 1, 0]);
    ahead = 0;
    test.clock.now += HOUR;
    await client.flush();
    assertEquals([heard.issued.length, heard.sent.length], [1, 1]);
    await client.close();
    await test.close();
  });
}
