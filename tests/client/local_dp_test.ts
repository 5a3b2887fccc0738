import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { localDpReport } from "../../client/local_dp.ts";
import type { EventSchemas } from "../../core/schema/event.ts";
import type { FieldSchema } from "../../core/schema/fields/types.ts";
import { present } from "../support/base/present.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import {
  type ClientChanges,
  type ClientUnderTest,
  droppedBy,
  makeClient,
} from "../support/client/client_under_test.ts";
import { schema } from "../../edge/operations/shapes.ts";
import { seededRandom } from "../core/voprf/suites.ts";

const DAY = 86_400_000;
const WEEK = 7 * DAY;

const WORDS = { description: "d", purpose: "p", owner: "o", expires: "2099-12-31" } as const;

/** Events of one field `value` each. */
function eventsOf(fields: Readonly<Record<string, FieldSchema>>): EventSchemas {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, { ...WORDS, fields: { value } }]),
  );
}

/** So many reports are possible that two that were drawn apart hardly ever are the same one. */
const WIDE = { type: "integer", min: 0, max: 999, localDp: { epsilon: 1 } } as const;

interface Device extends ClientUnderTest {
  /** Logs the field `value` of an event. */
  readonly log: (event: string, value: unknown) => void;
}

/** A client that randomises, the same one whenever a test runs. */
function device(test: TestService, changes: ClientChanges = {}): Device {
  const made = makeClient(test, { localDp: localDpReport, random: seededRandom("a device"), ...changes });
  const log = made.client.log.bind(made.client) as (event: string, fields: Record<string, unknown>) => void;
  return { ...made, log: (event, value) => log(event, { value }) };
}

/** What arrived about an event: pseudonym and report of each, in order. */
async function arrived(test: TestService, event: string): Promise<[string, unknown][]> {
  const records = await test.records();
  return records.flatMap(({ pseudonym, events }) =>
    events.filter(({ name }) => name === event).map(({ fields }): [string, unknown] => [
      present(pseudonym),
      fields.value,
    ])
  );
}

/** How many different ones there are. */
const distinct = (values: readonly unknown[]) => new Set(values).size;

/** The service's own answers, but for its schema, which is what `change` makes of it. */
function withSchema(test: TestService, change: (text: string) => string): Fetch {
  return async (url, init) => {
    const response = await test.fetch(url, init);
    if (!url.endsWith("/schema")) return response;
    const { headers } = response;
    headers.delete("etag");
    return new Response(change(await response.text()), { headers });
  };
}

Deno.test("sixty measurements that jitter inside one bucket are one report", async () => {
  const bucket: FieldSchema = { type: "bucket", edges: [10, 100, 1000, 10_000], localDp: { epsilon: 1 } };
  const test = await startService({ events: eventsOf({ timed: bucket }) });
  const { client, log } = device(test);
  for (let measured = 0; measured < 60; measured++) log("timed", 20 + measured + measured / 7);
  await client.flush();
  const reports = (await arrived(test, "timed")).map(([, report]) => report);
  assertEquals([reports.length, distinct(reports)], [60, 1]);
  await client.close();
  await test.close();
});

Deno.test("however a value is written, it is one value: what is sent decides", async () => {
  const fields: Record<string, FieldSchema> = {
    number: WIDE,
    signed: { ...WIDE, min: -3 },
    bucket: {
      type: "bucket",
      edges: Array.from({ length: 60 }, (_, edge) => edge - 2),
      localDp: { epsilon: 1 },
    },
    word: {
      type: "enum",
      values: Array.from({ length: 200 }, (_, word) => `w${word}`),
      localDp: { epsilon: 1 },
    },
    version: { type: "version", majors: [1, 1], localDp: { epsilon: 1 } },
    flag: { type: "boolean", localDp: { epsilon: 1 } },
  };
  const test = await startService({ events: eventsOf(fields) });
  const { client, heard, log } = device(test);
  const same: [event: string, values: unknown[], wrong: unknown[]][] = [
    ["number", [3, 3.0, Number("3.0"), 0.3e1], ["3", 3.5, true]],
    ["signed", [0, -0], ["0", -0.5]],
    ["bucket", [-0, 0, 0.25, Number.MIN_VALUE, 1 - 2 ** -53], ["0", true]],
    ["word", ["w7"], ["W7", "w7 ", "w07", 7]],
    ["version", ["1.2"], ["1.02", "01.2", "1.2.0", 1.2]],
    ["flag", [true], [1, "true", 0]],
  ];
  for (const [event, values, wrong] of same) {
    for (const value of [...values, ...wrong]) log(event, value);
  }
  await client.flush();
  for (const [event, values] of same) {
    const reports = (await arrived(test, event)).map(([, report]) => report);
    assertEquals([event, reports.length, distinct(reports)], [event, values.length, 1]);
  }
  assertEquals(droppedBy(heard), { field_invalid: same.reduce((sum, [, , wrong]) => sum + wrong.length, 0) });
  await client.close();
  await test.close();
});

Deno.test("a field of one name in two events is two fields, whose reports say nothing about each other", async () => {
  const test = await startService({ events: eventsOf({ first: WIDE, second: WIDE }) });
  const { client, log } = device(test);
  for (const event of ["first", "second", "first", "second"]) log(event, 500);
  await client.flush();
  const reports = async (event: string) => (await arrived(test, event)).map(([, report]) => report);
  const [first, second] = [await reports("first"), await reports("second")];
  assertEquals([distinct(first), distinct(second)], [1, 1]);
  assertNotEquals(first[0], second[0]);
  await client.close();
  await test.close();
});

Deno.test("what waits when the pseudonym turns goes with a report of the new one, never with the old one's", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE }) });
  const people = Array.from({ length: 8 }, (_, person) =>
    device(test, {
      random: seededRandom(`person ${person}`),
      session: () => test.signIn(`person ${person}`),
    }));
  for (const { client, log } of people) {
    log("asked", 500);
    await client.flush();
    log("asked", 500);
    // It is in the queue now, by the schema that is known.
    assertEquals((await client.inspect())?.waiting.length, 1);
  }
  test.clock.now += 6 * DAY;
  for (const { client, log } of people) {
    log("asked", 500);
    await client.flush();
    await client.close();
  }
  const byPseudonym = Map.groupBy(await arrived(test, "asked"), ([pseudonym]) => pseudonym);
  assertEquals(byPseudonym.size, 16);
  for (const reports of byPseudonym.values()) assertEquals(distinct(reports.map(([, report]) => report)), 1);
  const all = [...byPseudonym.values()].map(([first]) => present(first)[1]);
  // Of 1093 possible reports, those of eight people in two periods.
  assert(distinct(all) >= 15, all.join());
  await test.close();
});

Deno.test("a value has one report after restarts, and for two that share a storage", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE }) });
  const storage = new MemoryStorage();
  for (let start = 0; start < 3; start++) {
    const tabs = [0, 1].map((tab) =>
      device(test, { storage, random: seededRandom(`start ${start} of tab ${tab}`) })
    );
    for (const { log } of tabs) log("asked", 500);
    await Promise.all(tabs.map(({ client }) => client.flush()));
    for (const { client } of tabs) await client.close();
    test.clock.now += DAY / 4;
  }
  const reports = await arrived(test, "asked");
  assertEquals([reports.length, distinct(reports.map(([, report]) => report))], [6, 1]);
  await test.close();
});

Deno.test("a device reports about four values of a field in a period, whoever shares its storage, and then no more", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE, other: WIDE }) });
  const storage = new MemoryStorage();
  const heard: ClientUnderTest["heard"][] = [];
  for (let start = 0; start < 3; start++) {
    const tabs = [0, 1].map(() => device(test, { storage }));
    tabs.forEach(({ log }, tab) => {
      for (let value = 0; value < 20; value++) log("asked", 100 * tab + 200 * start + value);
    });
    await Promise.all(tabs.map(({ client }) => client.flush()));
    for (const { client, heard: one } of tabs) {
      heard.push(one);
      await client.close();
    }
  }
  const asked = (await arrived(test, "asked")).map(([, report]) => report);
  assert(asked.length >= 4 && distinct(asked) <= 4, asked.join());
  const dropped = heard.reduce((sum, one) => sum + (droppedBy(one).report_withheld ?? 0), 0);
  assertEquals(asked.length + dropped, 120);
  // Another field has values of its own, and the next period too.
  const late = device(test, { storage });
  for (let value = 0; value < 6; value++) late.log("other", value);
  await late.client.flush();
  assertEquals((await arrived(test, "other")).length, 4);
  test.clock.now += WEEK;
  for (let value = 0; value < 6; value++) late.log("asked", value);
  await late.client.flush();
  assertEquals((await arrived(test, "asked")).length, asked.length + 4);
  await late.client.close();
  await test.close();
});

Deno.test("the schema says about how many values, and no client believes more than sixteen", async () => {
  const events = eventsOf({ asked: { ...WIDE, localDp: { epsilon: 1, maxValues: 2 } } });
  for (const [stated, most] of [["2", 2], ["16", 16], ["1000", 16], ["-1", 0], ['"all"', 4], ["null", 4]]) {
    const test = await startService({ events });
    const document = await test.fetch("https://telemetry.example/v1/apps/notes/schema", {});
    // As the API's description has it.
    assertEquals(schema.safeParse(await document.json()).error, undefined);
    const change = (text: string) => text.replace('"max-values":2', `"max-values":${stated}`);
    const { client, log } = device(test, { fetch: withSchema(test, change) });
    for (let value = 0; value < 20; value++) log("asked", value);
    await client.flush();
    assertEquals([stated, (await arrived(test, "asked")).length], [stated, most]);
    await client.close();
    await test.close();
  }
});

Deno.test("an optional field goes missing where nothing more is reported, and its event goes out", async () => {
  const test = await startService({ events: eventsOf({ asked: { ...WIDE, optional: true } }) });
  const { client, heard, log } = device(test);
  for (let value = 0; value < 10; value++) log("asked", value);
  await client.flush();
  const reports = (await arrived(test, "asked")).map(([, report]) => report);
  assertEquals([reports.length, reports.filter((report) => report !== undefined).length], [10, 4]);
  assertEquals([heard.dropped, heard.left_out], [[], [{ fields: 6, reason: "report_withheld" }]]);
  await client.close();
  await test.close();
});

Deno.test("how often a value changed is nothing that client_drops repeats", async () => {
  const drops: FieldSchema = { type: "enum", values: ["report_withheld", "field_invalid", "other"] };
  const events = {
    ...eventsOf({ asked: WIDE }),
    client_drops: { ...WORDS, fields: { reason: drops, events: { type: "integer", min: 0, max: 99 } } },
  } as const;
  const test = await startService({ events });
  const { client, heard, log } = device(test);
  for (let value = 0; value < 10; value++) log("asked", value);
  log("asked", "none");
  await client.flush();
  assertEquals(droppedBy(heard), { report_withheld: 6, field_invalid: 1 });
  log("asked", 1);
  await client.flush();
  const told = (await test.records()).flatMap((record) =>
    record.events.filter(({ name }) => name === "client_drops")
  );
  assertEquals(told.map(({ fields }) => fields), [{ reason: "field_invalid", events: 1 }]);
  await client.close();
  await test.close();
});

Deno.test("after resetPseudonym() no report goes under the new pseudonym, neither the old one nor another, for a period", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE, untouched: WIDE }), tokensPerClient: 8 });
  const { client, heard, log } = device(test);
  log("asked", 500);
  await client.flush();
  for (let reset = 0; reset < 3; reset++) {
    log("asked", 500);
    await client.resetPseudonym();
    log("asked", 7);
    await client.flush();
  }
  assertEquals((await arrived(test, "asked")).length, 1);
  assertEquals(droppedBy(heard), { report_withheld: 6 });
  log("untouched", 500);
  await client.flush();
  assertEquals((await arrived(test, "untouched")).length, 1);
  test.clock.now += WEEK;
  log("asked", 500);
  await client.flush();
  const [[before, first] = [], [after, second] = []] = await arrived(test, "asked");
  assertNotEquals(before, after);
  assertNotEquals(first, second);
  await client.close();
  await test.close();
});

Deno.test("who opts out and in again reports nothing until the next period, and others report at once", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE }), tokensPerClient: 8 });
  const { client, heard, log } = device(test);
  // An app may say at each start that its user takes part.
  await client.setOptOut(false);
  log("asked", 500);
  await client.flush();
  for (let times = 0; times < 2; times++) {
    await client.setOptOut(true);
    await client.setOptOut(false);
    log("asked", 500);
    await client.flush();
  }
  assertEquals([(await arrived(test, "asked")).length, droppedBy(heard)], [1, { report_withheld: 2 }]);
  test.clock.now += WEEK;
  log("asked", 500);
  await client.flush();
  assertEquals((await arrived(test, "asked")).length, 2);
  await client.close();
  await test.close();
});

Deno.test("who opts out and in again reports nothing until the period is over, however wrong the device's clock is", async () => {
  for (const minutes of [-55, -10, 10, 55]) {
    for (const restarts of [false, true]) {
      const test = await startService({ events: eventsOf({ asked: WIDE }), tokensPerClient: 8 });
      const storage = new MemoryStorage();
      const start = () => device(test, { storage, now: () => test.clock.now + minutes * 60_000 });
      let tab = start();
      const ask = async () => {
        tab.log("asked", 500);
        await tab.client.inspect();
        await tab.client.flush();
        return [minutes, restarts, (await arrived(test, "asked")).length];
      };
      assertEquals(await ask(), [minutes, restarts, 1]);
      for (let times = 0; times < 2; times++) {
        await tab.client.setOptOut(true);
        if (restarts) {
          await tab.client.close();
          tab = start();
        }
        await tab.client.setOptOut(false);
        assertEquals(await ask(), [minutes, restarts, 1]);
        test.clock.now += DAY / 4;
        assertEquals(await ask(), [minutes, restarts, 1]);
      }
      assertEquals(droppedBy(tab.heard), { report_withheld: restarts ? 2 : 4 });
      // What is withheld is no log: the silence ends all the same.
      test.clock.now += WEEK;
      assertEquals(await ask(), [minutes, restarts, 2]);
      await tab.client.close();
      await test.close();
    }
  }
});

Deno.test("a silence goes on when the first time that the device heard was ahead, and for who shares its storage", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE }), tokensPerClient: 8 });
  const storage = new MemoryStorage();
  const first = device(test, { storage });
  first.log("asked", 500);
  await first.client.flush();
  await first.client.setOptOut(true);
  await first.client.setOptOut(false);
  await first.client.close();
  let ahead = 10 * DAY;
  const fetch: Fetch = async (url, init) => {
    const response = await test.fetch(url, init);
    response.headers.set("date", new Date(test.clock.now + ahead).toUTCString());
    return response;
  };
  const tabs = [device(test, { storage, fetch }), device(test, { storage, fetch })];
  for (const wrong of [10 * DAY, 0]) {
    ahead = wrong;
    for (const { client, log } of tabs) {
      log("asked", 500);
      await client.flush();
    }
    // The documents are fetched anew.
    test.clock.now += DAY;
  }
  assertEquals((await arrived(test, "asked")).length, 1);
  assertEquals(tabs.map(({ heard }) => droppedBy(heard)), [{ report_withheld: 2 }, { report_withheld: 2 }]);
  for (const { client } of tabs) await client.close();
  await test.close();
});

Deno.test("a field that changes within a period is reported about in the next one, and as it was meanwhile", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE }) });
  let isChanged = false;
  const fetch = withSchema(test, (text) => isChanged ? text.replace('"epsilon":1', '"epsilon":2') : text);
  const { client, heard, log } = device(test, { fetch });
  const logWhen = async (changed: boolean, milliseconds: number) => {
    isChanged = changed;
    test.clock.now += milliseconds;
    log("asked", 5);
    await client.flush();
    return [(await test.records()).length, droppedBy(heard).report_withheld ?? 0];
  };
  assertEquals(await logWhen(false, 0), [1, 0]);
  assertEquals(await logWhen(true, 600_000), [1, 1]);
  assertEquals(await logWhen(false, 600_000), [2, 1]);
  assertEquals(await logWhen(true, WEEK), [3, 1]);
  assertEquals(distinct((await arrived(test, "asked")).slice(0, 2).map(([, report]) => report)), 1);
  await client.close();
  await test.close();
});

Deno.test("an event that waits while its field comes under local differential privacy goes out randomised, and no other plainly", async () => {
  const test = await startService({ events: eventsOf({ asked: { ...WIDE, max: 4 } }) });
  let isPlain = true;
  const schema = withSchema(test, (text) => isPlain ? text.replace(/,"local-dp":\{[^}]*\}/, "") : text);
  const sent: string[] = [];
  const { client, heard, log } = device(test, {
    gzip: false,
    fetch(url, init) {
      if (url.endsWith("/logs")) sent.push(new TextDecoder().decode(init.body as Uint8Array));
      return schema(url, init);
    },
  });
  const flushWhen = async (plain: boolean, value: number) => {
    log("asked", value);
    // It waits by the schema of now.
    await client.inspect();
    isPlain = plain;
    test.clock.now += 600_000;
    await client.flush();
  };
  await flushWhen(true, 3);
  assertEquals(sent.length, 1);
  // It is reported about: the value was kept as it was logged.
  await flushWhen(false, 1);
  assertEquals([sent.length, droppedBy(heard)], [2, {}]);
  // And one that was logged to be randomised is not sent plainly once its field is not under it any more.
  await flushWhen(true, 2);
  assertEquals([sent.length, droppedBy(heard)], [2, { report_withheld: 1 }]);
  await client.close();
  await test.close();
});

Deno.test("what a client of before had queued with its report is not sent: nobody knows of which period it is", async () => {
  const test = await startService({ events: eventsOf({ asked: WIDE }) });
  const storage = new MemoryStorage();
  const at = Math.floor(test.clock.now / 3_600_000) * 3600;
  await storage.transaction((entries) => {
    entries.set(
      "event/000000000001",
      JSON.stringify({ name: "asked", at, fields: { value: 9 }, encoded: true }),
    );
  });
  const { client, heard } = device(test, { storage });
  await client.flush();
  assertEquals([(await test.records()).length, droppedBy(heard)], [0, { report_withheld: 1 }]);
  await client.close();
  await test.close();
});

Deno.test("at the turn a bound report goes out as it is, and under no other pseudonym where its log would have to move", async () => {
  for (const [answer, isMoved] of [[undefined, false], ["use_taken", true]] as const) {
    const test = await startService({ events: eventsOf({ asked: WIDE }) });
    const tried: string[] = [];
    let isOffline = true;
    const { client, heard, log } = device(test, {
      gzip: false,
      fetch(url, init) {
        if (!url.endsWith("/logs")) return test.fetch(url, init);
        tried.push(new TextDecoder().decode(init.body as Uint8Array));
        if (isOffline) return Promise.reject(new TypeError("offline"));
        if (answer === undefined || tried.length > 2) return test.fetch(url, init);
        const headers = { "content-type": "application/problem+json" };
        return Promise.resolve(new Response(JSON.stringify({ code: answer }), { status: 409, headers }));
      },
    });
    // The key of the period's last day redeems a day longer.
    test.clock.now += 5 * DAY;
    log("asked", 500);
    await client.flush();
    isOffline = false;
    test.clock.now += DAY;
    await client.flush();
    log("asked", 500);
    await client.flush();
    const [before, again, fresh = ""] = tried;
    assertEquals([tried.length, again], [3, before]);
    assertEquals(droppedBy(heard), isMoved ? { period_over: 1 } : {});
    const bodies = [present(before), fresh].map((body) => JSON.parse(body));
    const [first, second] = bodies.map(({ pseudonym, events }) => [pseudonym, events[0].fields.value]);
    assertNotEquals(first?.[0], second?.[0]);
    assertNotEquals(first?.[1], second?.[1]);
    const expected = isMoved ? [second] : [first, second];
    assertEquals((await arrived(test, "asked")).map(String).sort(), expected.map(String).sort());
    await client.close();
    await test.close();
  }
});
