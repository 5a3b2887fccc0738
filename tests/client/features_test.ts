import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type ClientStorage, type Entries, type Fetch, MemoryStorage } from "../../client/mod.ts";
import { localDpReport } from "../../client/local_dp.ts";
import { SCHEMA } from "../../client/storage/records.ts";
import { revokeKeys } from "../../core/keys/replacement.ts";
import { epochAt } from "../../core/keys/epoch.ts";
import type { EventSchema } from "../../core/schema/event.ts";
import { startService, testConfig, type TestService } from "../support/client/client_service.ts";
import { type ClientUnderTest, droppedBy, makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

const DAY = 86_400_000;
const dump = (storage: ClientStorage) => storage.transaction((entries: Entries) => entries.keys(""));

/** Waits until a client has told something. */
function told({ client }: ClientUnderTest, name: "sent" | "issued"): Promise<void> {
  return new Promise((resolve) => {
    // The client's own timer does not keep a process alive.
    const alive = setInterval(() => {}, 1000);
    const end = client.on(name, () => {
      clearInterval(alive);
      end();
      resolve();
    });
  });
}

/** Counts the requests of each step. */
function counting(fetch: Fetch): { fetch: Fetch; steps: string[] } {
  const steps: string[] = [];
  return {
    steps,
    fetch(url, init) {
      steps.push(url.slice(url.lastIndexOf("/") + 1));
      return fetch(url, init);
    },
  };
}

Deno.test("a log is sent without flush(), and never in the pass that fetched its token", async () => {
  const test = await startService();
  const { fetch, steps } = counting(test.fetch);
  const made = makeClient(test, { fetch, delaySeconds: 0.05 });
  const issued = told(made, "issued");
  const sent = told(made, "sent");
  made.client.log("app_opened", {});
  await issued;
  assertEquals(steps, ["schema", "keys", "tokens"]);
  await sent;
  assertEquals(steps, ["schema", "keys", "tokens", "logs"]);
  await made.client.close();
  await test.close();
});

Deno.test("a new client sends what an earlier one left in the storage", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const first = makeClient(test, { storage, fetch: () => Promise.reject(new TypeError("offline")) });
  first.client.log("app_opened", {});
  await first.client.close();
  const second = makeClient(test, { storage, delaySeconds: 0.01 });
  await told(second, "sent");
  await second.client.close();
  await test.close();
});

Deno.test("the next token is fetched before the last one runs out, and not before", async () => {
  const test = await startService({ usesPerToken: 16 });
  const { fetch, steps } = counting(test.fetch);
  const made = makeClient(test, { fetch, delaySeconds: 0.001 });
  for (let log = 0; log < 14; log++) {
    const sent = told(made, "sent");
    made.client.log("app_opened", {});
    await sent;
  }
  // An eighth is kept in reserve: the 15th log finds two uses, and it and the reserve need three.
  assertEquals(steps.filter((step) => step === "tokens").length, 1);
  const issued = told(made, "issued");
  made.client.log("app_opened", {});
  await issued;
  await made.client.flush();
  assertEquals([made.heard.sent.length, made.heard.issued.length], [15, 2]);
  await made.client.close();
  await test.close();
});

Deno.test("setOptOut(true) leaves nothing but itself in the storage and sends nothing more, now or later", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const { fetch, steps } = counting(test.fetch);
  const { client, heard } = makeClient(test, { storage, fetch });
  client.log("app_opened", {});
  await client.flush();
  client.log("app_opened", {});
  await client.setOptOut(true);
  assertEquals(await dump(storage), ["opted-out"]);
  assertEquals(heard.stopped, [{ reason: "opted_out" }]);
  const before = steps.length;
  client.log("app_opened", {});
  await client.flush();
  await client.resetPseudonym();
  assertEquals(await client.inspect(), undefined);
  await client.close();
  const again = makeClient(test, { storage, fetch, delaySeconds: 0 });
  again.client.log("app_opened", {});
  await again.client.flush();
  assertEquals(await dump(storage), ["opted-out"]);
  assertEquals(steps.length, before);
  await again.client.setOptOut(false);
  again.client.log("app_opened", {});
  await again.client.flush();
  assertEquals(again.heard.sent, [{ events: 1, replayed: false }]);
  const [first, second] = await test.records();
  assertNotEquals(present(first).pseudonym, present(second).pseudonym);
  await again.client.close();
  await test.close();
});

Deno.test("setOptOut(true) ends a request that is on its way, and nothing of it comes back", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const arrived = Promise.withResolvers<void>();
  let isEnded = () => false;
  const fetch: Fetch = (url, init) => {
    if (!url.endsWith("/logs")) return test.fetch(url, init);
    isEnded = () => present(init.signal).aborted;
    arrived.resolve();
    return new Promise((_, reject) =>
      present(init.signal).addEventListener("abort", () => reject(init.signal?.reason))
    );
  };
  const { client } = makeClient(test, { storage, fetch });
  client.log("app_opened", {});
  const flushed = client.flush();
  await arrived.promise;
  await client.setOptOut(true);
  assert(isEnded());
  await flushed;
  assertEquals(await dump(storage), ["opted-out"]);
  await client.close();
  await test.close();
});

Deno.test("resetPseudonym() starts another pseudonym with other tokens, and leaves the queue", async () => {
  const test = await startService();
  const seen = new Set<string>();
  const fetch: Fetch = (url, init) => {
    const credential = new Headers(init.headers).get("authorization") ?? "";
    if (url.endsWith("/logs")) seen.add(present(/nonce=([^,]+)/.exec(credential)?.[1]));
    return test.fetch(url, init);
  };
  const { client, heard } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  client.log("app_opened", {});
  await client.resetPseudonym();
  await client.flush();
  const pseudonyms = new Set((await test.records()).map(({ pseudonym }) => pseudonym));
  assertEquals([pseudonyms.size, seen.size, heard.sent.length, heard.dropped.length], [2, 2, 2, 0]);
  await client.close();
  await test.close();
});

Deno.test("the pseudonym rotates, and no token serves two", async () => {
  const test = await startService({ pseudonymSeconds: 86_400 });
  const { client } = makeClient(test);
  const byPseudonym = new Map<string, number>();
  for (let day = 0; day < 3; day++) {
    for (let log = 0; log < 2; log++) {
      client.log("app_opened", {});
      await client.flush();
    }
    test.clock.now += DAY;
  }
  for (const { pseudonym } of await test.records()) {
    byPseudonym.set(present(pseudonym), (byPseudonym.get(present(pseudonym)) ?? 0) + 1);
  }
  assertEquals([...byPseudonym.values()], [2, 2, 2]);
  await client.close();
  await test.close();
});

Deno.test("inspect() shows exactly what is sent then", async () => {
  const test = await startService();
  let body: string | undefined;
  const fetch: Fetch = (url, init) => {
    if (url.endsWith("/logs")) body = new TextDecoder().decode(init.body as Uint8Array);
    return test.fetch(url, init);
  };
  const { client } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 123.4 });
  const seen = present(await client.inspect());
  assertEquals([seen.usesLeft, seen.bound], [63, []]);
  await client.flush();
  const { pseudonym, events } = JSON.parse(present(body));
  assertEquals(JSON.parse(JSON.stringify({ pseudonym: seen.pseudonym, events: seen.waiting })), {
    pseudonym,
    events,
  });
  assertEquals(events[0].fields.latency_ms, 2);
  await client.close();
  await test.close();
});

Deno.test("inspect() shows what an earlier client left, before anything is sent", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  let isOffline = false;
  const fetch: Fetch = (url, init) =>
    isOffline ? Promise.reject(new TypeError("offline")) : test.fetch(url, init);
  const before = makeClient(test, { storage, fetch });
  before.client.log("app_opened", {});
  await before.client.flush();
  const shown = await before.client.inspect();
  isOffline = true;
  before.client.log("note_saved", { ok: true, platform: "web", latency_ms: 42 });
  await before.client.close();
  const after = makeClient(test, { storage, fetch });
  const { waiting, usesLeft, pseudonym } = present(await after.client.inspect());
  assertEquals([usesLeft, pseudonym], [63, shown?.pseudonym]);
  const at = "2027-01-15T10:00:00Z";
  assertEquals(waiting, [{ name: "note_saved", at, fields: { ok: true, platform: "web", latency_ms: 1 } }]);
  assertEquals(after.heard.refused, []);
  await after.client.close();
  await test.close();
});

Deno.test("inspect() leaves the wallet as it is before it knows what is collected", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const before = makeClient(test, { storage });
  before.client.log("app_opened", {});
  await before.client.flush();
  await storage.transaction((entries) => entries.delete(SCHEMA));
  const after = makeClient(test, { storage });
  assertEquals(present(await after.client.inspect()).usesLeft, 0);
  after.client.log("app_opened", {});
  await after.client.flush();
  assertEquals([before.heard.issued.length, after.heard.issued], [1, []]);
  assertEquals(present(await after.client.inspect()).usesLeft, 62);
  await before.client.close();
  await after.client.close();
  await test.close();
});

/** The configuration's events with one more or another one. */
function withEvent(name: string, changes: Partial<EventSchema>): Record<string, EventSchema> {
  const { events } = testConfig.applications.notes;
  return { ...events, [name]: { ...events.app_opened, ...changes } };
}

Deno.test("an event is sent by the share of clients that its sample says, always the same ones", async () => {
  const test = await startService({ events: withEvent("app_opened", { sample: 0.5 }) });
  let senders = 0;
  for (let index = 0; index < 30; index++) {
    const { client, heard } = makeClient(test, { session: () => test.signIn(`client ${index}`) });
    for (let event = 0; event < 3; event++) client.log("app_opened", {});
    await client.flush();
    const [sent, sampledOut] = [heard.sent.length, heard.dropped.length];
    assertEquals(
      [[1, 0], [0, 3]].some(([a, b]) => a === sent && b === sampledOut),
      true,
      `${sent} ${sampledOut}`,
    );
    senders += sent;
    await client.close();
  }
  // 0.5 of 30 is 15; five standard deviations are 13.7.
  assert(senders > 1 && senders < 29, `${senders} of 30`);
  await test.close();
});

Deno.test("a stopped event is dropped, from the schema and when the service says so", async () => {
  const test = await startService({ events: withEvent("app_opened", { state: "stopped" }) });
  const informed = makeClient(test);
  informed.client.log("app_opened", {});
  await informed.client.flush();
  assertEquals([droppedBy(informed.heard), informed.heard.refused], [{ collection_stopped: 1 }, []]);
  await informed.client.close();
  // This one has seen the schema before the stop.
  const { fetch, steps } = counting(async (url, init) => {
    if (!url.endsWith("/schema") || steps.length > 1) return await test.fetch(url, init);
    const schema = await (await test.fetch(url, init)).text();
    return new Response(schema.replaceAll('"stopped"', '"open"'), {
      headers: { "cache-control": "max-age=3600" },
    });
  });
  const late = makeClient(test, { fetch });
  late.client.log("app_opened", {});
  await late.client.flush();
  late.client.log("app_opened", {});
  await late.client.flush();
  assertEquals(late.heard.dropped.map(({ reason }) => reason), ["collection_stopped", "collection_stopped"]);
  assertEquals(late.heard.refused, [{ step: "logs", code: "collection_stopped" }]);
  assertEquals(steps.filter((step) => step === "schema").length, 2);
  await late.client.close();
  await test.close();
});

Deno.test("what was dropped is reported as an event, where the application collects that", async () => {
  const drops = {
    fields: {
      reason: { type: "enum", values: ["queue_full", "field_invalid", "other"] },
      events: { type: "bucket", edges: [1, 10, 100] },
    },
  } as const;
  const test = await startService({ events: withEvent("client_drops", drops) });
  const { client } = makeClient(test);
  for (let event = 0; event < 12; event++) {
    client.log("note_saved", { ok: true, platform: "tv", latency_ms: 1 } as never);
  }
  client.log("no_such_event" as never, {} as never);
  await client.flush();
  client.log("app_opened", {});
  await client.flush();
  const events = (await test.records()).flatMap(({ events }) => events);
  const reported = events.filter(({ name }) => name === "client_drops").map(({ fields }) => fields);
  assertEquals(reported, [{ reason: "field_invalid", events: 2 }, { reason: "other", events: 1 }]);
  await client.close();
  await test.close();
});

Deno.test("what was dropped before an opt-out is forgotten with all else", async () => {
  const drops = {
    fields: { reason: { type: "enum", values: ["other"] }, events: { type: "integer", min: 0, max: 99 } },
  } as const;
  const test = await startService({ events: withEvent("client_drops", drops) });
  const { client, heard } = makeClient(test);
  client.log("no_such_event" as never, {} as never);
  client.log("app_opened", {});
  await client.flush();
  await client.setOptOut(true);
  await client.setOptOut(false);
  client.log("app_opened", {});
  await client.flush();
  const events = (await test.records()).flatMap(({ events }) => events.map(({ name }) => name));
  assertEquals([events, droppedBy(heard)], [["app_opened", "app_opened"], { event_unknown: 1 }]);
  await client.close();
  await test.close();
});

Deno.test("when an application gains or loses its pseudonym, a client that did not know loses one log", async () => {
  for (const [pseudonymSeconds, old] of [[false, ',"pseudonym-seconds":604800'], [604_800, ""]] as const) {
    const test = await startService({ pseudonymSeconds });
    let schemas = 0;
    const { client, heard } = makeClient(test, {
      async fetch(url, init) {
        const response = await test.fetch(url, init);
        if (!url.endsWith("/schema") || schemas++ > 0) return response;
        const text = (await response.text()).replace(',"pseudonym-seconds":604800', "");
        return new Response(text.replace(',"granularity-seconds"', `${old},"granularity-seconds"`), {
          headers: { date: response.headers.get("date") ?? "", "cache-control": "max-age=3600" },
        });
      },
    });
    // Two bodies: what the answer to the first shows keeps the second.
    for (let event = 0; event < 130; event++) client.log("app_opened", {});
    await client.flush();
    client.log("app_opened", {});
    await client.flush();
    assertEquals([schemas, droppedBy(heard)], [2, { body_malformed: 100 }]);
    assertEquals((await test.records()).flatMap(({ events }) => events).length, 31);
    await client.close();
    await test.close();
  }
});

Deno.test("the queue is bounded: the oldest events give way, and those older than a week", async () => {
  const test = await startService();
  let isOffline = true;
  const fetch: Fetch = (url, init) =>
    isOffline ? Promise.reject(new TypeError("offline")) : test.fetch(url, init);
  const { client, heard } = makeClient(test, { fetch });
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 0 });
  await client.flush();
  for (let event = 0; event < 500; event++) client.log("app_opened", {});
  await client.flush();
  assertEquals(droppedBy(heard), { queue_full: 1 });
  test.clock.now += 5 * DAY;
  for (let event = 0; event < 3; event++) client.log("app_opened", {});
  await client.flush();
  assertEquals(droppedBy(heard), { queue_full: 4 });
  test.clock.now += 3 * DAY;
  isOffline = false;
  await client.flush();
  assertEquals(droppedBy(heard), { queue_full: 4, too_old: 497 });
  assertEquals(heard.sent, [{ events: 3, replayed: false }]);
  await client.close();
  await test.close();
});

Deno.test("the queue is bounded in bytes as well: large events make older ones give way", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const { client, heard } = makeClient(test, {
    storage,
    fetch: () => Promise.reject(new TypeError("offline")),
  });
  // Nobody can know yet that no event has such fields.
  const fields = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`f${index}`, "x".repeat(64)]));
  for (let event = 0; event < 60; event++) client.log("note_saved", fields as never);
  await client.flush();
  const length = await storage.transaction((entries) =>
    entries.keys("event/").reduce((sum, key) => sum + present(entries.get(key)).length, 0)
  );
  assert(length > 400_000 && length <= 524_288, `${length} characters wait`);
  assert(present(droppedBy(heard).queue_full) > 5);
  await client.close();
  await test.close();
});

Deno.test("a body never holds more than a hidden page may send, whatever its events weigh", async () => {
  const values = ["x".repeat(60)] as const;
  const fields: EventSchema["fields"] = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`f${index}`, { type: "enum" as const, values }]),
  );
  const test = await startService({ events: withEvent("app_opened", { fields }) });
  const bodies: number[] = [];
  const { client, heard } = makeClient(test, {
    gzip: false,
    fetch(url, init) {
      if (url.endsWith("/logs")) bodies.push((init.body as Uint8Array).length);
      return test.fetch(url, init);
    },
  });
  const event = Object.fromEntries(Object.keys(fields).map((name) => [name, values[0]]));
  for (let index = 0; index < 40; index++) client.log("app_opened", event as never);
  await client.flush();
  assertEquals(heard.sent.reduce((sum, { events }) => sum + events, 0), 40);
  assertEquals([heard.dropped, Math.max(...bodies)], [[], 16_384]);
  assert(bodies.length >= 4, `${bodies.length} bodies`);
  await client.close();
  await test.close();
});

Deno.test("500 events go out in bodies of 100, compressed and padded", async () => {
  const test = await startService();
  const bodies: [number, string | null][] = [];
  const fetch: Fetch = (url, init) => {
    if (url.endsWith("/logs")) {
      bodies.push([(init.body as Uint8Array).length, new Headers(init.headers).get("content-encoding")]);
    }
    return test.fetch(url, init);
  };
  const { client } = makeClient(test, { fetch });
  for (let event = 0; event < 500; event++) {
    client.log("note_saved", { ok: true, platform: "web", latency_ms: event, retries: event % 11 });
  }
  await client.flush();
  assertEquals(bodies, Array(5).fill([1024, "gzip"]));
  const events = (await test.records()).flatMap(({ events }) => events);
  assertEquals(events.length, 500);
  await client.close();
  await test.close();
});

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ code }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** Answers the first requests of a step in the service's place. */
function refusing(test: TestService, step: string, times: number, answer: () => Response): Fetch {
  return (url, init) =>
    url.endsWith(`/${step}`) && times-- > 0 ? Promise.resolve(answer()) : test.fetch(url, init);
}

Deno.test("a body that is too large is split, and a single event that is gives way", async () => {
  const test = await startService();
  let largest = 3;
  const fetch: Fetch = (url, init) => {
    if (!url.endsWith("/logs")) return test.fetch(url, init);
    const { events } = JSON.parse(new TextDecoder().decode(init.body as Uint8Array));
    return events.length > largest ? Promise.resolve(problem(413, "body_too_large")) : test.fetch(url, init);
  };
  const { client, heard } = makeClient(test, { fetch });
  for (let event = 0; event < 7; event++) client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.dropped, []);
  assertEquals(heard.sent.reduce((sum, { events }) => sum + events, 0), 7);
  largest = 0;
  client.log("app_opened", {});
  await client.flush();
  assertEquals(droppedBy(heard), { body_too_large: 1 });
  await client.close();
  await test.close();
});

Deno.test("a wait that the service asks for is kept, by flush() too", async () => {
  const test = await startService();
  const { fetch, steps } = counting(
    refusing(test, "logs", 1, () => problem(429, "overloaded", { "retry-after": "120" })),
  );
  const { client, heard } = makeClient(test, { fetch });
  const logs = () => steps.filter((step) => step === "logs").length;
  client.log("app_opened", {});
  await client.flush();
  test.clock.now += 119_000;
  await client.flush();
  assertEquals([logs(), heard.sent.length], [1, 0]);
  test.clock.now += 5_000;
  await client.flush();
  assertEquals([logs(), heard.sent.length], [2, 1]);
  await client.close();
  await test.close();
});

Deno.test("a service that does not know the application stops the client, and loses nothing", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const first = makeClient(test, {
    storage,
    fetch: refusing(test, "logs", 1, () => problem(404, "app_unknown")),
  });
  first.client.log("app_opened", {});
  await first.client.flush();
  await first.client.flush();
  assertEquals([first.heard.stopped, first.heard.sent], [[{ reason: "refused_by_service" }], []]);
  await first.client.close();
  const second = makeClient(test, { storage });
  await second.client.flush();
  assertEquals(second.heard.sent, [{ events: 1, replayed: false }]);
  await second.client.close();
  await test.close();
});

Deno.test("a client that was stopped asks again within the hour, and sends what waited", async () => {
  const test = await startService();
  const { setTimeout } = globalThis;
  const waits: [wait: number, end: () => void][] = [];
  globalThis.setTimeout = ((end: () => void, wait: number) =>
    // Others are of requests.
    wait >= 2_000_000 ? waits.push([wait, end]) : setTimeout(end, wait)) as never;
  try {
    const { fetch, steps } = counting(refusing(test, "logs", 2, () => problem(404, "app_unknown")));
    const { client, heard } = makeClient(test, { fetch, delaySeconds: 60 });
    client.log("app_opened", {});
    await client.flush();
    const asked = steps.length;
    client.log("app_opened", {});
    await client.flush();
    assertEquals([heard.stopped.length, steps.length, waits.length], [1, asked, 1]);
    for (const [times, sent] of [[2, 0], [2, 2]] as const) {
      const [wait, end] = present(waits.at(-1));
      assert(wait >= 2_340_000 && wait <= 2_400_000, String(wait));
      test.clock.now += 3_600_000;
      end();
      await client.flush();
      assertEquals(heard.stopped.length, times);
      assertEquals(heard.sent.reduce((sum, { events }) => sum + events, 0), sent);
    }
    assertEquals(heard.dropped, []);
    await client.close();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  await test.close();
});

Deno.test("an expired session is renewed once, and a failing one tried again later", async () => {
  const test = await startService();
  const asked: boolean[] = [];
  const { client, heard } = makeClient(test, {
    session: ({ renew }) => {
      asked.push(renew);
      if (asked.length < 3) return Promise.reject(new Error("the user is signed out"));
      return renew ? test.signIn("alice") : Promise.resolve("an.expired.session");
    },
  });
  client.log("app_opened", {});
  for (let round = 0; round < 3; round++) await client.flush();
  assertEquals(asked, [false, false, false, true]);
  assertEquals(heard.refused, [
    { step: "session", code: "session_failed" },
    { step: "session", code: "session_failed" },
    { step: "tokens", code: "session_invalid" },
  ]);
  assertEquals(heard.sent.length, 1);
  await client.close();
  await test.close();
});

Deno.test("a spent quota is waited out, and a smaller batch tried before", async () => {
  const test = await startService({ usesPerToken: 1, tokensPerClient: 4, maxBatch: 3 });
  const logMany = ({ client }: ClientUnderTest, events: number) => {
    for (let event = 0; event < events; event++) client.log("app_opened", {});
    return client.flush();
  };
  // Three of the user's four tokens go to another client.
  const other = makeClient(test);
  await logMany(other, 250);
  assertEquals(other.heard.issued, [{ tokens: 3 }]);
  await other.client.close();
  const { fetch, steps } = counting(test.fetch);
  const made = makeClient(test, { fetch });
  await logMany(made, 150);
  assertEquals(made.heard.refused[0], { step: "tokens", code: "quota_exhausted" });
  assertEquals([made.heard.issued, made.heard.sent.map(({ events }) => events)], [[{ tokens: 1 }], [100]]);
  const before = steps.length;
  await made.client.flush();
  assertEquals(steps.length, before, "it does not ask again before the next epoch");
  test.clock.now += DAY;
  await made.client.flush();
  assertEquals([made.heard.sent.map(({ events }) => events), made.heard.dropped], [[100, 50], []]);
  await made.client.close();
  await test.close();
});

Deno.test("a revoked key costs its tokens and nothing else", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test);
  client.log("app_opened", {});
  await client.flush();
  const app = test.service.appOf("notes");
  const now = test.service.now();
  await revokeKeys(test.service.rotation, app, epochAt(app, now), 0, now);
  test.service.ringOf("notes").forget();
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.sent.length, heard.dropped.length, heard.issued.length], [2, 0, 2]);
  assertEquals(heard.key_replaced.map(({ generation }) => generation), [1]);
  // Nothing is asked of the key that is gone: its refusal has the directory fetched anew.
  assertEquals(heard.refused, [{ step: "logs", code: "key_unknown" }]);
  await client.close();
  await test.close();
});

Deno.test("no first send starts in the last 10 minutes of a key", async () => {
  const test = await startService();
  const made = makeClient(test);
  made.client.log("app_opened", {});
  await made.client.flush();
  // The key redeems to the end of the next day.
  const end = Math.floor(test.clock.now / DAY) * DAY + 2 * DAY;
  test.clock.now = end - 9 * 60_000;
  made.client.log("app_opened", {});
  await made.client.flush();
  assertEquals([made.heard.sent.length, made.heard.issued.length], [2, 2]);
  await made.client.close();
  await test.close();
});

Deno.test("a storage that fails is never the app's problem", async () => {
  const test = await startService();
  const memory = new MemoryStorage();
  let isFull = true;
  const storage: ClientStorage = {
    transaction: (body) =>
      isFull ? Promise.reject(new DOMException("full", "QuotaExceededError")) : memory.transaction(body),
    close: () => Promise.reject(new Error("cannot close")),
  };
  const { client, heard } = makeClient(test, { storage });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(await client.inspect(), undefined);
  assertEquals(droppedBy(heard), { storage_failed: 1 });
  isFull = false;
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.sent, [{ events: 1, replayed: false }]);
  await client.close();
  await test.close();
});

Deno.test("a storage that lost or garbled its entries costs what it held, and no more", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const { client, heard } = makeClient(test, { storage });
  client.log("app_opened", {});
  await client.flush();
  for (const garbage of ["", "{", "null", "[]", '"text"', "7"]) {
    await storage.transaction((entries) => entries.keys("").forEach((key) => entries.set(key, garbage)));
    client.log("app_opened", {});
    await client.flush();
    await storage.transaction((entries) => entries.keys("").forEach((key) => entries.delete(key)));
  }
  client.log("app_opened", {});
  await client.flush();
  assert(heard.sent.length >= 2);
  await client.close();
  await test.close();
});

Deno.test("a listener that throws, and values that no field can take, are never the app's problem", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test);
  client.on("sent", () => {
    throw new Error("of the app");
  });
  const odd = [1n, Symbol("x"), {}, [], () => {}, NaN, Infinity, "x".repeat(65), null];
  for (const value of odd) client.log("note_saved", { ok: value, platform: "web", latency_ms: 1 } as never);
  for (const fields of [undefined, null, 7, "fields"]) client.log("app_opened", fields as never);
  client.log("app_opened", {});
  await client.flush();
  assertEquals(droppedBy(heard), { field_invalid: odd.length + 4 });
  assertEquals(heard.sent.length, 1);
  await client.close();
  client.log("app_opened", {});
  assertEquals(droppedBy(heard).closed, 1);
  await client.flush();
  await client.close();
  await test.close();
});

Deno.test("a page that is hidden sends what it has with keepalive, and fetches no token", async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  Object.defineProperty(globalThis, "document", { configurable: true, value: page });
  try {
    const test = await startService();
    const kept: [string, boolean | undefined][] = [];
    const made = makeClient(test, {
      delaySeconds: 600,
      fetch(url, init) {
        kept.push([url.slice(url.lastIndexOf("/") + 1), init.keepalive]);
        return test.fetch(url, init);
      },
    });
    made.client.log("app_opened", {});
    await told(made, "issued");
    // Not beside the issuance.
    test.clock.now += 600_000;
    const sent = told(made, "sent");
    page.visibilityState = "hidden";
    page.dispatchEvent(new Event("visibilitychange"));
    await sent;
    assertEquals(kept.filter(([step]) => step === "logs"), [["logs", true]]);
    assertEquals(kept.filter(([step]) => step === "tokens").length, 1);
    await made.client.close();
    const before = kept.length;
    page.dispatchEvent(new Event("visibilitychange"));
    assertEquals(kept.length, before);
    await test.close();
  } finally {
    delete (globalThis as { document?: unknown }).document;
  }
});

Deno.test("a field under local differential privacy is sent as a report", async () => {
  const fields = { platform: { type: "enum", values: ["web", "phone"], localDp: { epsilon: 1 } } } as const;
  const test = await startService({ events: withEvent("app_opened", { fields }) });
  const reports = new Set<unknown>();
  for (let index = 0; index < 8; index++) {
    const { client, heard } = makeClient(test, {
      localDp: localDpReport,
      session: () => test.signIn(`c${index}`),
    });
    client.log("app_opened", { platform: "web" } as never);
    client.log("app_opened", { platform: "web" } as never);
    await client.flush();
    assertEquals(heard.sent, [{ events: 2, replayed: false }]);
    await client.close();
  }
  for (const { events } of await test.records()) {
    const [first, second] = events;
    assertEquals(present(first).fields, second?.fields);
    reports.add(first?.fields.platform);
  }
  for (const report of reports) assert(report === 0 || report === 1);
  await test.close();
});
