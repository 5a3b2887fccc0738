/** An event that left under one pseudonym leaves under no other, and with two tokens at most, whatever the service says. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Fetch } from "../../client/mod.ts";
import type { ApplicationConfig } from "../../core/config/types.ts";
import { present } from "../support/base/present.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { droppedBy, makeClient } from "../support/client/client_under_test.ts";
import { withMovedKeys } from "../support/client/moved_keys.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** A log as the service saw it. */
interface SeenLog {
  readonly nonce: string;
  readonly salt: string;
  readonly pseudonym: string | undefined;
  /** The events, by which the service knows a log again. */
  readonly said: string;
  readonly bytes: string;
}

/** What a service that lies answers to a log, and by how many weeks it moves its keys and its `Date` for this client. */
interface Lies {
  readonly answer?: (log: SeenLog, logs: readonly SeenLog[]) => Response | undefined;
  readonly weeks?: (logs: readonly SeenLog[]) => number;
}

/** The real service, but for its lies; every document is fetched anew. */
function lying(test: TestService, { answer, weeks }: Lies) {
  const logs: SeenLog[] = [];
  const fetch: Fetch = async (url, init) => {
    if (url.endsWith("/logs")) {
      const bytes = new TextDecoder().decode(init.body as Uint8Array);
      const nonce = present(/nonce=([^,]+)/.exec(new Headers(init.headers).get("authorization") ?? "")?.[1]);
      const { salt, pseudonym, events } = JSON.parse(bytes);
      const log = { nonce, salt, pseudonym, said: JSON.stringify(events), bytes };
      logs.push(log);
      const lie = answer?.(log, logs);
      if (lie !== undefined) return lie;
    }
    const response = await test.fetch(url, init);
    if (/\/(?:keys|schema)$/.test(url)) response.headers.set("cache-control", "max-age=0");
    return url.endsWith("/keys") ? await withMovedKeys(test, response, 7 * (weeks?.(logs) ?? 0)) : response;
  };
  return { logs, fetch };
}

function refusal(status: number, code: string): Response {
  return Response.json({ status, code }, { status, headers: { "content-type": "application/problem+json" } });
}

/** Under how many pseudonyms each event was seen that the service can tell from all others. */
function pseudonymsOf(logs: readonly SeenLog[]): number[] {
  const bySaid = Map.groupBy(logs, ({ said }) => said);
  return [...bySaid.values()].map((same) => new Set(same.map(({ pseudonym }) => pseudonym)).size);
}

const SERVED = "https://telemetry.example/v1/apps/notes";
const MIRROR = "https://mirror.example";

/** Moves the clock to so many milliseconds before the pseudonym's period turns. */
function beforeTurn(test: TestService, milliseconds: number): void {
  test.clock.now = Math.ceil(test.clock.now / WEEK) * WEEK - milliseconds;
}

for (const weeks of [-3, -1, 1, 3]) {
  Deno.test(`key_unknown, and keys and a Date ${weeks} weeks off, show an event under one pseudonym only`, async () => {
    const test = await startService({ tokensPerClient: 10 });
    const { logs, fetch } = lying(test, {
      answer: () => refusal(401, "key_unknown"),
      weeks: (logs) => Math.sign(weeks) * Math.min(logs.length, Math.abs(weeks)),
    });
    const { client } = makeClient(test, { fetch, gzip: false });
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 50 });
    for (let flush = 0; flush < 5; flush++) await client.flush();
    assert(logs.length > 0);
    assertEquals(new Set(logs.map(({ pseudonym }) => pseudonym)).size, 1);
    await client.close();
    await test.close();
  });
}

for (const [name, sign] of [["ahead", 1], ["behind", -1]] as const) {
  Deno.test(`honest keys, as a mirror has them, and a Date half an hour ${name} at the turn show an event under one pseudonym only`, async () => {
    const test = await startService({ tokensPerClient: 10 });
    beforeTurn(test, sign * 20 * MINUTE);
    // The service's clock goes wrong at the first log, and the device's goes on.
    const device = { now: test.clock.now };
    const { logs, fetch } = lying(test, {
      answer(_, { length }) {
        if (length > 1) return undefined;
        test.clock.now += sign * 30 * MINUTE;
        return refusal(401, "key_unknown");
      },
    });
    const { client, heard } = makeClient(test, {
      gzip: false,
      now: () => device.now,
      mirror: `${MIRROR}/keys`,
      fetch: (url, init) =>
        url.startsWith(MIRROR) ? test.fetch(`${SERVED}${url.slice(MIRROR.length)}`, init) : fetch(url, init),
    });
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 50 });
    await client.flush();
    device.now += HOUR;
    test.clock.now = device.now;
    client.log("app_opened", {});
    for (let flush = 0; flush < 3; flush++) await client.flush();
    assertEquals(Math.max(...pseudonymsOf(logs)), 1, logs.map(({ bytes }) => bytes).join("\n"));
    // What never left is late at most.
    assert(logs.some(({ said }) => said.includes("app_opened")), JSON.stringify(heard));
    await client.close();
    await test.close();
  });
}

Deno.test("a log that was refused before the turn is dropped after it, and told as period_over", async () => {
  const test = await startService({ tokensPerClient: 1 });
  beforeTurn(test, HOUR / 2);
  const { logs, fetch } = lying(test, {
    answer: (_, { length }) => length === 1 ? refusal(401, "mac_invalid") : undefined,
  });
  const { client, heard } = makeClient(test, { fetch, gzip: false });
  client.log("app_opened", {});
  await client.flush();
  // It waits for another token of its pseudonym, which there is not, and with it what never left.
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 50 });
  await client.flush();
  assertEquals([logs.length, droppedBy(heard)], [1, {}]);
  test.clock.now += HOUR;
  await client.flush();
  assertEquals(droppedBy(heard), { period_over: 1 });
  assertEquals(heard.sent, [{ events: 1, replayed: false }]);
  assertEquals(logs.map(({ said }) => said.includes("note_saved")), [false, true]);
  assertNotEquals(logs[0]?.pseudonym, logs[1]?.pseudonym);
  await client.close();
  await test.close();
});

Deno.test("after resetPseudonym() a log that was refused before does not leave under the new pseudonym", async () => {
  const test = await startService();
  const { logs, fetch } = lying(test, {
    answer: (_, { length }) => length === 1 ? refusal(429, "overloaded") : undefined,
  });
  const { client, heard } = makeClient(test, { fetch, gzip: false });
  client.log("app_opened", {});
  await client.flush();
  await client.resetPseudonym();
  // The key of the bound log ends, which was surely not taken.
  test.clock.now += 3 * DAY;
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 50 });
  await client.flush();
  assertEquals(droppedBy(heard), { period_over: 1 });
  assertEquals(heard.sent, [{ events: 1, replayed: false }]);
  assertEquals(Math.max(...pseudonymsOf(logs)), 1);
  await client.close();
  await test.close();
});

for (const pseudonymSeconds of [604_800, false] as const) {
  const where = pseudonymSeconds === false ? ", where no pseudonym is collected too" : "";
  for (const code of ["key_unknown", "mac_invalid", "use_out_of_range", "use_taken"]) {
    Deno.test(`a log that is refused again and again with ${code} is seen with two tokens and two salts at most${where}`, async () => {
      const test = await startService(
        { pseudonymSeconds, tokensPerClient: 10 } as Partial<ApplicationConfig>,
      );
      const { logs, fetch } = lying(test, {
        answer: () => refusal(code === "use_taken" ? 409 : code === "use_out_of_range" ? 403 : 401, code),
      });
      const { client, heard } = makeClient(test, { fetch, gzip: false });
      client.log("app_opened", {});
      for (let flush = 0; flush < 8; flush++) await client.flush();
      const tokens = Map.groupBy(logs, ({ nonce }) => nonce);
      assertEquals(tokens.size, 2, JSON.stringify(heard));
      // The very bytes under another use of a token, and a fresh salt with another token.
      for (const same of tokens.values()) assertEquals(new Set(same.map(({ bytes }) => bytes)).size, 1);
      assertEquals(new Set(logs.map(({ salt }) => salt)).size, 2);
      assertEquals([droppedBy(heard), heard.sent], [{ [code]: 1 }, []]);
      await client.close();
      await test.close();
    });
  }
}

Deno.test("where no pseudonym is collected a token that carries a moved log carries nothing else, so that no third is linked", async () => {
  const test = await startService(
    { pseudonymSeconds: false, tokensPerClient: 10 } as Partial<ApplicationConfig>,
  );
  const refused = new Set([1, 4, 7]);
  const { logs, fetch } = lying(test, {
    answer: (_, { length }) => refused.has(length) ? refusal(401, "mac_invalid") : undefined,
  });
  const { client, heard } = makeClient(test, { fetch, gzip: false });
  const latencies = [5, 50, 500];
  for (let log = 0; log < 12; log++) {
    client.log("note_saved", {
      ok: true,
      platform: "web",
      latency_ms: present(latencies[log % 3]),
      retries: log % 10,
    });
    // Some wait while others move.
    if (log % 2 === 0) await client.flush();
  }
  await client.flush();
  assertEquals([heard.dropped, heard.sent.reduce((sum, { events }) => sum + events, 0)], [[], 12]);
  // Tokens that a service can link, since one log was seen with both.
  const groups: Set<string>[] = [];
  for (const same of Map.groupBy(logs, ({ said }) => said).values()) {
    const nonces = new Set(same.map(({ nonce }) => nonce));
    if (nonces.size === 1) continue;
    const known = groups.filter((group) => [...nonces].some((nonce) => group.has(nonce)));
    for (const group of known) {
      groups.splice(groups.indexOf(group), 1);
      for (const nonce of group) nonces.add(nonce);
    }
    groups.push(nonces);
  }
  assertEquals(groups.map(({ size }) => size), [2, 2, 2]);
  await client.close();
  await test.close();
});

Deno.test("what became of logs of one pseudonym is not counted under the next", async () => {
  const drops = {
    description: "d",
    purpose: "p",
    owner: "o",
    expires: "2099-12-31",
    fields: {
      reason: { type: "enum", values: ["events_invalid", "other"] },
      events: { type: "integer", min: 0, max: 100 },
    },
  } as const;
  const opened = { ...drops, fields: {} };
  const test = await startService({ events: { client_drops: drops, app_opened: opened } });
  beforeTurn(test, HOUR / 2);
  const answers = [refusal(503, "store_unavailable"), refusal(422, "events_invalid")];
  const { logs, fetch } = lying(test, { answer: () => answers.shift() });
  const { client, heard } = makeClient(test, { fetch, gzip: false });
  for (let event = 0; event < 7; event++) client.log("app_opened", {});
  await client.flush();
  assertEquals(logs.length, 1);
  // The same bytes after the turn are refused, seven events are lost, and the service knows how many.
  test.clock.now += HOUR;
  await client.flush();
  client.log("app_opened", {});
  await client.flush();
  await client.flush();
  assertEquals([logs.length, droppedBy(heard)], [3, { unknown: 7 }]);
  assertNotEquals(logs[2]?.pseudonym, logs[0]?.pseudonym);
  assert(!logs.some(({ said }) => said.includes("client_drops")));
  await client.close();
  await test.close();
});

Deno.test("what waits over the turn shows nothing of the schema that was shown under the pseudonym before", async () => {
  const event = {
    description: "d",
    purpose: "p",
    owner: "o",
    expires: "2099-12-31",
    fields: {
      latency_ms: { type: "bucket", edges: [10, 100, 1000] },
      first: { type: "boolean", optional: true },
      second: { type: "boolean", optional: true },
    },
  } as const;
  const test = await startService({ events: { marked: event, app_opened: { ...event, fields: {} } } });
  // Long enough before the turn that days are told apart.
  beforeTurn(test, 2 * HOUR);
  let isMarking = true;
  const { logs, fetch } = lying(test, {});
  const marking: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (!isMarking || !url.endsWith("/schema")) return response;
    const schema = await response.json();
    schema["granularity-seconds"] = 86_400;
    const [marked] = schema.events.filter(({ name }: { name: string }) => name === "marked");
    marked.fields.latency_ms.edges = [10, 1000];
    marked.fields.first.suppressed = true;
    const { headers } = response;
    headers.delete("etag");
    return new Response(JSON.stringify(schema), { headers });
  };
  const { client, heard } = makeClient(test, { fetch: marking, gzip: false });
  client.log("app_opened", {});
  await client.flush();
  client.log("marked" as never, { latency_ms: 500, first: true, second: false } as never);
  // It is stored.
  await client.inspect();
  test.clock.now += 3 * HOUR;
  isMarking = false;
  await client.flush();
  const [event_] = JSON.parse(present(logs.at(-1)).said);
  assertEquals(event_, {
    name: "marked",
    fields: { latency_ms: 2, first: true, second: false },
  });
  assertEquals(heard.dropped, []);
  await client.close();
  await test.close();
});
