import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ClientStorage, type Fetch, MemoryStorage } from "../../client/mod.ts";
import { REQUEST_TIMEOUT_MILLISECONDS } from "../../client/base/deadline.ts";
import type { EventSchema } from "../../core/schema/event.ts";
import { startService, testConfig, type TestService } from "../support/client/client_service.ts";
import { droppedBy, makeClient } from "../support/client/client_under_test.ts";
import { VirtualTime } from "../support/client/virtual_time.ts";
import { present } from "../support/base/present.ts";

const DAY = 86_400_000;

/** Passes on to the service, but for the answer to one step. */
function inPlaceOf(test: TestService, step: string, answer: () => Response | Promise<Response>): Fetch {
  return async (url, init) => url.endsWith(`/${step}`) ? await answer() : await test.fetch(url, init);
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ code }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

Deno.test("a clock that is set back does not hold up what waits: neither a backoff nor what the service asked", async () => {
  for (const wait of ["86400", "0"]) {
    const test = await startService();
    let isBusy = true;
    const device = { ahead: 3 * 365 * DAY };
    const { client, heard } = makeClient(test, {
      fetch: (url, init) =>
        isBusy && url.endsWith("/logs")
          ? Promise.resolve(problem(429, "overloaded", { "retry-after": wait }))
          : test.fetch(url, init),
      now: () => test.clock.now + device.ahead,
      delaySeconds: 0.001,
    });
    client.log("app_opened", {});
    await client.flush();
    assertEquals(heard.sent, []);
    isBusy = false;
    // The device asked for the time at last.
    device.ahead = 0;
    // Not flush(): nobody but the client's own timer.
    const sent = Promise.withResolvers<void>();
    client.on("sent", () => sent.resolve());
    client.log("app_opened", {});
    const alive = setInterval(() => {}, 1000);
    await sent.promise;
    clearInterval(alive);
    assertEquals(heard.dropped, []);
    await client.close();
    await test.close();
  }
});

/** Whatever waits for the client's 30 seconds has waited for them, again and again, once this says so. */
async function whereTimeIsUp(body: (timeIsUp: () => void) => Promise<void>): Promise<void> {
  const { setTimeout } = globalThis;
  const ends: (() => void)[] = [];
  let timer: ReturnType<typeof setInterval> | undefined;
  globalThis.setTimeout =
    ((end: () => void, milliseconds: number) =>
      milliseconds === REQUEST_TIMEOUT_MILLISECONDS
        ? ends.push(end)
        : setTimeout(end, milliseconds)) as never;
  try {
    await body(() => timer = setInterval(() => ends.forEach((end) => end()), 1));
  } finally {
    clearInterval(timer);
    globalThis.setTimeout = setTimeout;
  }
}

const HANGING = {
  session: { step: "session", code: "session_failed" },
  // It does not heed its signal either.
  fetch: { step: "schema", code: "no_answer" },
  verifyKeys: { step: "directory", code: "not_verified" },
} as const;

for (const [option, refused] of Object.entries(HANGING)) {
  Deno.test(`a ${option} of the app's that never answers does not hold up close()`, async () => {
    const test = await startService();
    await whereTimeIsUp(async (timeIsUp) => {
      const asked = Promise.withResolvers<void>();
      const never = () => {
        asked.resolve();
        return new Promise<never>(() => {});
      };
      const { client, heard } = makeClient(test, { [option]: never });
      client.log("app_opened", {});
      await asked.promise;
      const closed = client.close();
      timeIsUp();
      await closed;
      assertEquals(heard.refused[0], refused);
    });
    await test.close();
  });
}

Deno.test("a storage that never answers does not hold up the app, and what it takes later is sent once", async () => {
  const test = await startService();
  const memory = new MemoryStorage();
  const hung: (() => void)[] = [];
  let isHanging = false;
  const storage: ClientStorage = {
    transaction: (body) =>
      isHanging
        ? new Promise((resolve) => hung.push(() => resolve(memory.transaction(body))))
        : memory.transaction(body),
    close: () => isHanging ? new Promise(() => {}) : Promise.resolve(),
  };
  await whereTimeIsUp(async (timeIsUp) => {
    const { client, heard } = makeClient(test, { storage });
    client.log("app_opened", {});
    await client.flush();
    isHanging = true;
    client.log("app_opened", {});
    const done = Promise.all([client.flush(), client.inspect()]);
    timeIsUp();
    await done;
    await assertRejects(() => client.setOptOut(true), Error, "the storage failed");
    await client.close();
    assertEquals([client.state(), droppedBy(heard)], ["closed", { storage_failed: 1 }]);
    // It answers at last: of what was begun before the user opted out, nothing comes back.
    isHanging = false;
    hung.forEach((answer) => answer());
  });
  const kept = await memory.transaction((entries) => entries.keys(""));
  assertEquals(kept, ["opted-out"]);
  await test.close();
});

Deno.test("a tab that holds the lock for good does not hold up another one, whose pass runs once", async () => {
  const test = await startService();
  const memory = new MemoryStorage();
  const waiting: (() => Promise<void>)[] = [];
  let passes = 0;
  const storage: ClientStorage = {
    transaction: (body) => memory.transaction(body),
    close: () => Promise.resolve(),
    exclusively: (work) =>
      new Promise((resolve) =>
        waiting.push(async () => {
          passes++;
          await work();
          resolve();
        })
      ),
  };
  using time = new VirtualTime(test.clock.now);
  let working = 0;
  const { client, heard } = makeClient(test, {
    storage,
    async fetch(url, init) {
      working++;
      return await test.fetch(url, init).finally(() => working--);
    },
  });
  client.log("app_opened", {});
  const flushed = client.flush();
  let isDone = false;
  void flushed.then(() => isDone = true);
  while (!isDone) await time.pass(REQUEST_TIMEOUT_MILLISECONDS, () => working > 0);
  assertEquals([heard.sent.length, passes], [1, 0]);
  // The other tab lets go.
  for (const grant of waiting) await grant();
  assertEquals([(await test.records()).length, heard.sent.length], [1, 1]);
  await client.close();
  await test.close();
});

Deno.test("the next token is fetched before the last one runs out by a client that was started anew, too", async () => {
  const test = await startService({ usesPerToken: 16 });
  const storage = new MemoryStorage();
  const first = makeClient(test, { storage });
  for (let log = 0; log < 14; log++) {
    first.client.log("app_opened", {});
    await first.client.flush();
  }
  await first.client.close();
  const second = makeClient(test, { storage });
  const issued = Promise.withResolvers<void>();
  second.client.on("issued", () => issued.resolve());
  second.client.log("app_opened", {});
  await issued.promise;
  assertEquals([second.heard.sent, second.heard.issued], [[], [{ tokens: 1 }]]);
  await second.client.close();
  await test.close();
});

Deno.test("whatever an app logs, nothing is thrown into it and nothing else is lost", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test);
  const log = client.log.bind(client) as (name: unknown, fields: unknown) => void;
  log("app_opened", {});
  const hostile: [unknown, unknown][] = [
    ["note_saved", {
      get ok() {
        throw new Error("of the app");
      },
    }],
    ["note_saved", new Proxy({}, { ownKeys: () => ["a", "a"] })],
    [1n, {}],
    [Symbol("name"), {}],
    [{ toJSON: () => assert(false) }, {}],
    [undefined, {}],
    ["x".repeat(1_000_000), {}],
    ["app_opened", { ["x".repeat(1_000_000)]: 1 }],
    ["app_opened", Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`f${index}`, index]))],
    ["app_opened", ["a", "b", []]],
  ];
  for (const [name, fields] of hostile) log(name, fields);
  for (const name of ["__proto__", "constructor", "toString"]) log(name, {});
  log("app_opened", JSON.parse('{"__proto__": true}'));
  log("app_opened", { constructor: true });
  await client.flush();
  assertEquals(droppedBy(heard), { field_invalid: hostile.length, event_unknown: 3, field_unknown: 2 });
  assertEquals(heard.sent, [{ events: 1, replayed: false }]);
  assertEquals(heard.refused, []);
  await client.close();
  await test.close();
});

Deno.test("a value that changes while it is read is stored as it was checked", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test);
  let reads = 0;
  const fields = {
    get latency_ms() {
      return reads++ === 0 ? 42 : "x".repeat(100_000);
    },
    ok: true,
    platform: "web",
  };
  client.log("note_saved", fields as never);
  await client.flush();
  assertEquals([reads, heard.sent, heard.dropped], [1, [{ events: 1, replayed: false }], []]);
  await client.close();
  await test.close();
});

Deno.test("what waits when a storage fails for a while is sent by the client's own timer", async () => {
  const test = await startService();
  const memory = new MemoryStorage();
  let isFailing = false;
  let failures = 0;
  const storage: ClientStorage = {
    transaction(body) {
      if (!isFailing) return memory.transaction(body);
      failures++;
      isFailing = false;
      return Promise.reject(new DOMException("lost", "UnknownError"));
    },
    close: () => Promise.resolve(),
  };
  const before = makeClient(test, { storage });
  before.client.log("app_opened", {});
  await before.client.close();
  isFailing = true;
  const { client, heard } = makeClient(test, { storage, delaySeconds: 0.001 });
  const sent = Promise.withResolvers<void>();
  client.on("sent", () => sent.resolve());
  const alive = setInterval(() => {}, 1000);
  await sent.promise;
  clearInterval(alive);
  assertEquals([failures, heard.dropped], [1, []]);
  await client.close();
  await test.close();
});

Deno.test("nothing is sent after close(), not even what a pass had begun with", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  let isOffline = true;
  let logs = 0;
  const arrived = Promise.withResolvers<void>();
  const answers = Promise.withResolvers<void>();
  const fetch: Fetch = async (url, init) => {
    if (!url.endsWith("/logs")) return await test.fetch(url, init);
    if (isOffline) throw new TypeError("offline");
    logs++;
    arrived.resolve();
    await answers.promise;
    return await test.fetch(url, init);
  };
  const { client, heard } = makeClient(test, { storage, fetch });
  // Three requests that are bound and wait.
  for (let request = 0; request < 3; request++) {
    client.log("app_opened", {});
    await client.flush();
  }
  assertEquals(present(await client.inspect()).bound.length, 3);
  isOffline = false;
  const flushed = client.flush();
  await arrived.promise;
  const closed = client.close();
  answers.resolve();
  await Promise.all([flushed, closed]);
  assertEquals([logs, heard.sent.length], [1, 1]);
  const next = makeClient(test, { storage });
  await next.client.flush();
  assertEquals([next.heard.sent.length, next.heard.dropped], [2, []]);
  await next.client.close();
  await test.close();
});

Deno.test("an answer that rejects more events than there were drops no more than there were", async () => {
  const test = await startService();
  const rejected = Array.from({ length: 5_000 }, () => ({ code: "field_invalid" }));
  const { client, heard } = makeClient(test, {
    fetch: inPlaceOf(test, "logs", () => Response.json({ accepted: 0, rejected })),
  });
  for (let event = 0; event < 2; event++) client.log("app_opened", {});
  await client.flush();
  assertEquals([droppedBy(heard), heard.sent], [{ field_invalid: 2 }, []]);
  await client.close();
  await test.close();
});

const RETRY_AFTER: readonly [header: string, mostSeconds: number][] = [
  ["-1", 15 * 60],
  ["-999999", 15 * 60],
  ["1e9", 15 * 60],
  ["Infinity", 15 * 60],
  ["Thu, 01 Jan 2150 00:00:00 GMT", 15 * 60],
  ["999999999", 86_400 + 15 * 60],
  ["99999999999999999999", 15 * 60],
];

Deno.test("no Retry-After keeps a log back for longer than a day, or lets it be sent in a rush", async () => {
  for (const [header, mostSeconds] of RETRY_AFTER) {
    const test = await startService();
    let busy = 0;
    const { client, heard } = makeClient(test, {
      fetch: (url, init) =>
        url.endsWith("/logs") && busy++ === 0
          ? Promise.resolve(problem(429, "overloaded", { "retry-after": header }))
          : test.fetch(url, init),
    });
    client.log("app_opened", {});
    await client.flush();
    assertEquals([busy, heard.sent.length], [1, 0], header);
    test.clock.now += mostSeconds * 1000;
    await client.flush();
    assertEquals([heard.sent.length, heard.dropped], [1, []], header);
    await client.close();
    await test.close();
  }
});

function withEvent(name: string, changes: Partial<EventSchema>): Record<string, EventSchema> {
  const { events } = testConfig.applications.notes;
  return { ...events, [name]: { ...events.app_opened, ...changes } };
}

/** What a schema could say besides what is true, to stop a client or to hurt the app. */
const HOSTILE: readonly unknown[] = [
  null,
  [],
  { fields: {} },
  { name: "app_opened" },
  { name: "__proto__", fields: { __proto__: null } },
  { name: "constructor", fields: JSON.parse('{"__proto__": {"type": "boolean"}, "constructor": {}}') },
  { name: "note_saved", fields: { ok: null, platform: 7, latency_ms: { type: "bucket" } } },
  { name: "note_saved", sample: {}, state: [], fields: { ok: { type: "enum" } } },
  { name: "client_drops", fields: { reason: { type: "enum" }, events: { type: "integer" } } },
  { name: "client_drops", fields: { reason: { type: "enum", values: 7 }, events: null } },
];

Deno.test("a schema that makes no sense costs the events that it is about, or a pass, never the app", async () => {
  const test = await startService({ events: withEvent("client_drops", {}) });
  const schema = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  for (const event of HOSTILE) {
    let isHostile = true;
    const { client, heard } = makeClient(test, {
      fetch: inPlaceOf(
        test,
        "schema",
        () =>
          Response.json(isHostile ? { ...schema, events: [...schema.events, event] } : schema, {
            headers: { "cache-control": "max-age=60" },
          }),
      ),
      session: () => test.signIn(crypto.randomUUID()),
    });
    client.log("note_saved", { ok: true, platform: "tv", latency_ms: 1 } as never);
    await client.flush();
    client.log("app_opened", {});
    await client.flush();
    // The second pass after a drop that cannot be reported goes on as ever.
    await client.flush();
    isHostile = false;
    test.clock.now += 61_000;
    await client.flush();
    assertEquals(heard.sent, [{ events: 1, replayed: false }], JSON.stringify(event));
    assertEquals(Object.keys({}), []);
    assertEquals(({} as { boolean?: unknown }).boolean, undefined);
    await client.close();
  }
  await test.close();
});

Deno.test("a pseudonym that would not end, and times to the second, are no schema of this protocol", async () => {
  const test = await startService();
  const schema = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  for (
    const change of [
      { "pseudonym-seconds": 401 * 86_400 },
      { "pseudonym-seconds": Number.MAX_SAFE_INTEGER },
      { "pseudonym-seconds": 1 },
      { "granularity-seconds": 1 },
      { "granularity-seconds": 86_401 },
    ]
  ) {
    const { client, heard } = makeClient(test, {
      fetch: inPlaceOf(test, "schema", () => Response.json({ ...schema, ...change })),
    });
    client.log("app_opened", {});
    await client.flush();
    assertEquals(heard.sent, []);
    assertEquals(heard.refused.at(-1), { step: "schema", code: "malformed" });
    await client.close();
  }
  await test.close();
});

Deno.test("a schema of 400 KiB is read, and none larger than 512 KiB", async () => {
  const test = await startService();
  const schema = await (await test.fetch("https://telemetry.example/v1/apps/notes/schema", {})).json();
  const event = schema.events[0];
  for (const [characters, isRead] of [[400_000, true], [600_000, false]] as const) {
    const many = Array.from(
      { length: Math.floor(characters / JSON.stringify(event).length) },
      (_, index) => ({ ...event, name: `event_${index}` }),
    );
    const { client, heard } = makeClient(test, {
      fetch: inPlaceOf(
        test,
        "schema",
        () => Response.json({ ...schema, events: [...schema.events, ...many] }),
      ),
    });
    client.log("app_opened", {});
    await client.flush();
    assertEquals(heard.sent.length, isRead ? 1 : 0);
    await client.close();
  }
  await test.close();
});

Deno.test("a required field that is missing is missed, whatever it is called", async () => {
  const fields = { constructor: { type: "boolean" } } as const;
  const test = await startService({ events: withEvent("app_opened", { fields: fields as never }) });
  const { client, heard } = makeClient(test);
  client.log("app_opened", {});
  await client.flush();
  assertEquals([droppedBy(heard), heard.refused], [{ field_missing: 1 }, []]);
  await client.close();
  await test.close();
});

Deno.test("a directory that shows ever more keys does not fill the app's storage", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const directory = await (await test.fetch("https://telemetry.example/v1/apps/notes/keys", {})).json();
  let names = 0;
  const { client } = makeClient(test, {
    storage,
    fetch: inPlaceOf(test, "keys", async () => {
      const keys = await Promise.all(Array.from({ length: 250 }, async () => {
        const publicKey = crypto.getRandomValues(new Uint8Array(32));
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", publicKey));
        const encode = (bytes: Uint8Array) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
        const [start, end] = [(30_000 + names) * 86_400, (30_001 + names) * 86_400];
        return {
          ...directory["token-keys"][0],
          "token-key": encode(publicKey),
          "token-key-id": encode(digest),
          epoch: 30_000 + names++,
          "not-before": start,
          "issue-until": end,
          "redeem-until": end,
        };
      }));
      return Response.json({ ...directory, "token-keys": keys });
    }),
  });
  for (let round = 0; round < 12; round++) {
    client.log("app_opened", {});
    await client.flush();
    test.clock.now += 120_000;
  }
  const characters = await storage.transaction((entries) =>
    entries.keys("").reduce((sum, key) => sum + present(entries.get(key)).length, 0)
  );
  assert(names > 3000, `${names} names were shown`);
  assert(characters < 400_000, `${characters} characters are stored`);
  await client.close();
  await test.close();
});

Deno.test("a token request that is never answered well is kept and repeated, within the hour: it may have been granted", async () => {
  const test = await startService();
  const bodies: string[] = [];
  let isLying = true;
  const { client, heard } = makeClient(test, {
    async fetch(url, init) {
      const response = await test.fetch(url, init);
      if (!url.endsWith("/tokens") || !isLying) return response;
      bodies.push((init.body as Uint8Array).toBase64());
      const forged = new Uint8Array(await response.arrayBuffer());
      forged.set([present(forged.at(-1)) ^ 1], forged.length - 1);
      return new Response(forged, response);
    },
  });
  client.log("app_opened", {});
  // Three at once, and one an hour from then on.
  for (let flush = 0; flush < 6; flush++) await client.flush();
  assertEquals(bodies.length, 3);
  for (let hour = 0; hour < 3; hour++) {
    test.clock.now += 3_600_000;
    await client.flush();
    await client.flush();
  }
  assertEquals([bodies.length, new Set(bodies).size], [6, 1]);
  isLying = false;
  test.clock.now += 3_600_000;
  await client.flush();
  assertEquals([heard.sent, heard.dropped], [[{ events: 1, replayed: false }], []]);
  await client.close();
  await test.close();
});

Deno.test("what cannot be sent is bound to four uses at most", async () => {
  const test = await startService();
  let isOffline = true;
  const { client, heard } = makeClient(test, {
    fetch: (url, init) =>
      isOffline && url.endsWith("/logs") ? Promise.reject(new TypeError("offline")) : test.fetch(url, init),
  });
  for (let log = 0; log < 10; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  const { bound, waiting, usesLeft } = present(await client.inspect());
  assertEquals([bound.length, waiting.length, usesLeft], [4, 6, 60]);
  isOffline = false;
  await client.flush();
  assertEquals(heard.sent.map(({ events }) => events), [1, 1, 1, 1, 6]);
  await client.close();
  await test.close();
});

Deno.test("a page that is hidden without a token asks for none: its log would follow at once", async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  Object.defineProperty(globalThis, "document", { configurable: true, value: page });
  try {
    const test = await startService();
    const steps: string[] = [];
    let isSignedIn = false;
    const { client, heard } = makeClient(test, {
      session: () => isSignedIn ? test.signIn("alice") : Promise.reject(new Error("not yet")),
      fetch(url, init) {
        steps.push(url.slice(url.lastIndexOf("/") + 1));
        return test.fetch(url, init);
      },
    });
    client.log("app_opened", {});
    await client.flush();
    isSignedIn = true;
    page.visibilityState = "hidden";
    page.dispatchEvent(new Event("visibilitychange"));
    // This comes after what the page's hiding started.
    await client.resetPseudonym();
    assertEquals([steps, heard.sent], [["schema", "keys"], []]);
    await client.close();
    await test.close();
  } finally {
    delete (globalThis as { document?: unknown }).document;
  }
});

Deno.test("a log whose token could not be fetched before waits another delay after it", async () => {
  const test = await startService();
  const steps: string[] = [];
  let isSignedIn = false;
  const { client } = makeClient(test, {
    delaySeconds: 0.2,
    // The longest delays there are.
    random: (length) =>
      length === 4 ? new Uint8Array(4).fill(0xff) : crypto.getRandomValues(new Uint8Array(length)),
    session: () => isSignedIn ? test.signIn("alice") : Promise.reject(new Error("not yet")),
    fetch(url, init) {
      steps.push(url.slice(url.lastIndexOf("/") + 1));
      return test.fetch(url, init);
    },
  });
  const issued = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  client.on("issued", () => issued.resolve());
  client.on("sent", () => sent.resolve());
  client.on("refused", () => isSignedIn = true);
  client.log("app_opened", {});
  const alive = setInterval(() => {}, 1000);
  await issued.promise;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(steps, ["schema", "keys", "tokens"]);
  await sent.promise;
  clearInterval(alive);
  assertEquals(steps, ["schema", "keys", "tokens", "logs"]);
  await client.close();
  await test.close();
});
