import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type ClientOptions, DitClient, type Fetch, MemoryStorage } from "../../client/mod.ts";
import { nobleP384 } from "../../core/voprf/noble_p384.ts";
import { startService } from "../support/client/client_service.ts";
import { makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

Deno.test("flush() fetches a token, proves nothing but it, and stores the log", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test);
  client.log("note_saved", { ok: true, platform: "web", latency_ms: 41.7, version: "2.9" });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard, {
    sent: [{ events: 2, replayed: false }],
    dropped: [],
    issued: [{ tokens: 1 }],
    refused: [],
    key_replaced: [],
    keys_forked: [],
    endpoints_changed: [],
    left_out: [],
    stopped: [],
    state: [],
  });
  const records = await test.records();
  assertEquals(records.length, 1);
  assertEquals(records[0]?.events, [
    { name: "app_opened", at: "2027-01-15T10:00:00Z", fields: {} },
    {
      name: "note_saved",
      at: "2027-01-15T10:00:00Z",
      fields: { ok: true, platform: "web", latency_ms: 1, version: "2.9" },
    },
  ]);
  await client.close();
  await test.close();
});

Deno.test("log() does not compile with a wrong event, field or value", async () => {
  const test = await startService();
  const { client, heard } = makeClient(test);
  // @ts-expect-error: no event has this name
  client.log("note_saves", {});
  // @ts-expect-error: a required field is missing
  client.log("note_saved", { ok: true, platform: "web" });
  // @ts-expect-error: no field has this name
  client.log("note_saved", { ok: true, platform: "web", latency: 3 });
  // @ts-expect-error: the value is not one of the list
  client.log("note_saved", { ok: true, platform: "tv", latency_ms: 3 });
  await client.flush();
  // What slips through the types (plain JavaScript) is dropped and counted, with the protocol's codes.
  assertEquals(heard.dropped.map(({ reason }) => reason), [
    "event_unknown",
    "field_missing",
    "field_unknown",
    "field_invalid",
  ]);
  assertEquals(await test.records(), []);
  await client.close();
  await test.close();
});

Deno.test("a token serves 64 logs, then another is fetched", async () => {
  const test = await startService();
  const uses: number[] = [];
  const fetch: Fetch = (url, init) => {
    const credential = new Headers(init.headers).get("authorization") ?? "";
    if (url.endsWith("/logs")) uses.push(Number(/use=(\d+)/.exec(credential)?.[1]));
    return test.fetch(url, init);
  };
  const { client, heard } = makeClient(test, { fetch });
  for (let log = 0; log < 65; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  assertEquals(heard.issued, [{ tokens: 1 }, { tokens: 1 }]);
  assertEquals(heard.sent.length, 65);
  assertEquals(uses.slice(0, 64).toSorted((a, b) => a - b), Array.from({ length: 64 }, (_, use) => use));
  assert(uses.slice(0, 64).some((use, index) => use !== index), "the uses are in a random order");
  assertEquals((await test.records()).length, 65);
  await client.close();
  await test.close();
});

Deno.test("the uses of a token are spent in a random order, so that a use does not tell how many came before", async () => {
  const test = await startService();
  const orders: string[][] = [];
  for (const _ of ["one", "other"]) {
    const uses: string[] = [];
    const { client } = makeClient(test, {
      fetch(url, init) {
        const credential = new Headers(init.headers).get("authorization") ?? "";
        if (url.endsWith("/logs")) uses.push(present(/use=([0-9]+)/.exec(credential)?.[1]));
        return test.fetch(url, init);
      },
    });
    for (let log = 0; log < 16; log++) {
      client.log("app_opened", {});
      await client.flush();
    }
    await client.close();
    orders.push(uses);
  }
  for (const uses of orders) assertEquals([uses.length, new Set(uses).size], [16, 16]);
  assertNotEquals(orders[0], orders[1]);
  await test.close();
});

Deno.test("a token survives the client when its storage does", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const first = makeClient(test, { storage });
  first.client.log("app_opened", {});
  await first.client.flush();
  await first.client.close();
  const second = makeClient(test, { storage });
  second.client.log("app_opened", {});
  await second.client.flush();
  assertEquals(second.heard.issued, []);
  const pseudonyms = (await test.records()).map(({ pseudonym }) => pseudonym);
  assertEquals(pseudonyms.length, 2);
  assertEquals(pseudonyms[0], pseudonyms[1]);
  await second.client.close();
  await test.close();
});

Deno.test("no log request carries a cookie, a referrer, a cache's validator or the session", async () => {
  const test = await startService();
  const seen: { step: string; init: RequestInit; headers: string[] }[] = [];
  const fetch: Fetch = (url, init) => {
    seen.push({
      step: present(url.split("/").at(-1)),
      init,
      headers: [...new Headers(init.headers).keys()].toSorted(),
    });
    return test.fetch(url, init);
  };
  const { client } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(seen.map(({ step }) => step), ["schema", "keys", "tokens", "logs"]);
  for (const { init } of seen) {
    assertEquals(init.credentials, "omit");
    assertEquals(init.referrerPolicy, "no-referrer");
    assertEquals(init.cache, "no-store");
    assertEquals(init.redirect, "error");
  }
  const log = present(seen.at(-1));
  assertEquals(log.headers, ["authorization", "content-type"]);
  assert(present(new Headers(log.init.headers).get("authorization")).startsWith("DIT "));
  await client.close();
  await test.close();
});

Deno.test("a client of P-384 gets and spends tokens of that suite", async () => {
  const test = await startService({ suite: "P384-SHA384" });
  const { client, heard } = makeClient(test, { suite: nobleP384 });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.sent, [{ events: 1, replayed: false }]);
  await client.close();
  await test.close();
});

Deno.test("a client whose clock is minutes off sends what it logged, with the device's time where that tells nothing", async () => {
  for (
    const [minutes, times] of [[-40, ["10", "11"]], [-25, ["09", "10"]], [25, ["10", "11"]], [59, [
      "10",
      "11",
    ]]] as const
  ) {
    const test = await startService();
    const storage = new MemoryStorage();
    const now = () => test.clock.now + minutes * 60_000;
    for (let start = 0; start < 2; start++) {
      const { client, heard } = makeClient(test, { now, storage });
      client.log("app_opened", {});
      await client.flush();
      assertEquals([heard.sent.length, heard.dropped, heard.refused], [1, [], []]);
      await client.close();
      test.clock.now += 3_600_000;
    }
    const stored = (await test.records()).flatMap(({ events }) => events.map(({ at }) => at));
    assertEquals(stored.toSorted(), times.map((hour) => `2027-01-15T${hour}:00:00Z`));
    await test.close();
  }
});

Deno.test("a client whose clock is hours off works while its day is the service's, and waits while it is not", async () => {
  for (const hours of [-8, -3, 3, 8]) {
    const test = await startService({ tokensPerClient: 64 });
    const { client, heard } = makeClient(test, { now: () => test.clock.now + hours * 3_600_000 });
    const day = Math.floor(test.clock.now / 86_400_000) * 86_400_000;
    // A new pseudonym each time, so that each needs a token of its own.
    for (const [hour, sent] of [[12, 1], [hours < 0 ? 24.5 : 23.5, 1], [36, 3]] as const) {
      test.clock.now = day + hour * 3_600_000;
      await client.resetPseudonym();
      client.log("app_opened", {});
      await client.flush();
      assertEquals(
        heard.sent.reduce((sum, { events }) => sum + events, 0),
        sent,
        `${hours} h off at ${hour}`,
      );
    }
    assertEquals(heard.dropped, []);
    const records = await test.records();
    const times = records.flatMap(({ events }) => events.map(({ at }) => at)).toSorted();
    assertEquals(times, ["2027-01-15T12:00:00Z", "2027-01-16T12:00:00Z", "2027-01-16T12:00:00Z"]);
    await client.close();
    await test.close();
  }
});

Deno.test("a client whose clock is days off or more tells it, sends nothing, and goes on when it is right", async () => {
  for (const days of [-30 * 365, -6, 2, 1000]) {
    const test = await startService();
    const device = { ahead: days * 86_400_000 };
    const { client, heard } = makeClient(test, { now: () => test.clock.now + device.ahead });
    client.log("app_opened", {});
    await client.flush();
    assertEquals(heard.sent, []);
    for (const step of ["schema", "directory"] as const) {
      assert(heard.refused.some((told) => told.step === step && told.code === "clock_refused"), step);
    }
    device.ahead = 0;
    client.log("app_opened", {});
    await client.flush();
    // What it logged before lies too far back, or in a future that the service does not hear of.
    const isTooOld = days < -7;
    assertEquals(heard.dropped, isTooOld ? [{ events: 1, reason: "too_old" }] : []);
    assertEquals(heard.sent, [{ events: isTooOld ? 1 : 2, replayed: false }]);
    const stored = (await test.records()).flatMap(({ events }) => events.map(({ at }) => at));
    // That of a period that is over has the time of its arrival, like that of the future.
    const times = isTooOld ? [] : ["2027-01-15T10:00:00Z"];
    assertEquals(stored.toSorted(), [...times, "2027-01-15T10:00:00Z"]);
    await client.close();
    await test.close();
  }
});

Deno.test("an opt-out that is taken back, here or in another tab, leaves a wrong clock corrected", async () => {
  for (const minutes of [-55, -10, 10, 55]) {
    for (const where of [0, 1]) {
      const test = await startService({ tokensPerClient: 8 });
      const storage = new MemoryStorage();
      const now = () => test.clock.now + minutes * 60_000;
      const tabs = [makeClient(test, { now, storage }), makeClient(test, { now, storage })] as const;
      const [{ client, heard }] = tabs;
      client.log("app_opened", {});
      await client.flush();
      await tabs[where]?.client.setOptOut(true);
      await tabs[where]?.client.setOptOut(false);
      client.log("app_opened", {});
      // It is stored now, by the schema that is at hand.
      await client.inspect();
      await client.flush();
      assertEquals([minutes, where, heard.sent.length, heard.dropped], [minutes, where, 2, []]);
      const times = (await test.records()).flatMap(({ events }) => events.map(({ at }) => at));
      assertEquals(times, ["2027-01-15T10:00:00Z", "2027-01-15T10:00:00Z"]);
      for (const tab of tabs) await tab.client.close();
      await test.close();
    }
  }
});

Deno.test("an application without pseudonyms gets none", async () => {
  const test = await startService({ pseudonymSeconds: false });
  const { client, heard } = makeClient(test);
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.sent.length, 1);
  assertEquals(present((await test.records())[0]).pseudonym, undefined);
  await client.close();
  await test.close();
});

Deno.test("DitClient refuses what cannot be an endpoint or an application, at once", () => {
  const session = () => Promise.resolve("");
  for (
    const endpoint of [
      "telemetry.example",
      "http://telemetry.example",
      "ftp://telemetry.example",
      "https://telemetry.example/?client=1",
      "https://telemetry.example/#client",
      "https://user:password@telemetry.example",
    ]
  ) assertThrows(() => new DitClient({ endpoint, app: "notes", session }), TypeError, undefined, endpoint);
  for (const app of ["", "Notes", "1notes", "notes/x", "a".repeat(64)]) {
    assertThrows(() => new DitClient({ endpoint: "https://telemetry.example", app, session }), TypeError);
  }
});

Deno.test("DitClient refuses a delay that no timer can wait for, at once", () => {
  const endpoint = "https://telemetry.example";
  const session = () => Promise.resolve("");
  for (const delaySeconds of [NaN, Infinity, -1, -0.001, 2_147_484, "soon", null] as number[]) {
    assertThrows(
      () => new DitClient({ endpoint, app: "notes", session, delaySeconds }),
      TypeError,
      "its delaySeconds is no number of seconds from 0 to 2147483",
      String(delaySeconds),
    );
  }
});

Deno.test("fetch is taken once, when a client is made, and is called as the platform's", async () => {
  const test = await startService();
  const own = globalThis.fetch;
  const called: unknown[] = [];
  const patched = () => assert(false, "it was replaced after the client was made");
  const platform = function (this: unknown, url: string, init: RequestInit) {
    called.push(this);
    return test.fetch(url, init);
  };
  try {
    for (const fetch of [undefined, platform as Fetch]) {
      globalThis.fetch = platform as typeof globalThis.fetch;
      const { client, heard } = makeClient(test, { fetch, session: () => test.signIn(`${fetch}`) });
      globalThis.fetch = patched as never;
      client.log("app_opened", {});
      await client.flush();
      assertEquals(heard.sent, [{ events: 1, replayed: false }]);
      await client.close();
    }
  } finally {
    globalThis.fetch = own;
  }
  assertEquals(called.every((self) => self === globalThis), true);
  await test.close();
});

for (
  const [name, listener] of [
    ["logs", (log: () => void) => log()],
    ["logs after a while", (log: () => void) => void Promise.resolve().then(log)],
  ] as const
) {
  Deno.test(`a listener that ${name} when an event was dropped does not keep the client busy`, async () => {
    const test = await startService();
    const { client, heard } = makeClient(test);
    client.log("app_opened", {});
    await client.flush();
    let calls = 0;
    for (const event of ["no_such_event", "nor_this_one"]) {
      client.on("dropped", () => {
        calls++;
        listener(() => client.log(event as never, {} as never));
        listener(() => client.log("note_saved", 7 as never));
      });
    }
    client.log("no_such_event" as never, {} as never);
    // A timer goes off only once nobody is busy.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert(calls < 2_500, `${calls} calls`);
    client.log("app_opened", {});
    await client.flush();
    assertEquals(heard.sent.length, 2);
    await client.close();
    await test.close();
  });
}

Deno.test("DitClient takes one endpoint or two, and says so at once where it is neither", () => {
  const session = () => Promise.resolve("");
  const [issueEndpoint, logEndpoint] = ["https://tokens.example", "https://logs.example"];
  const wrong = [
    {},
    { issueEndpoint },
    { logEndpoint },
    { endpoint: "https://telemetry.example", logEndpoint },
    { endpoint: "https://telemetry.example", issueEndpoint, logEndpoint },
  ];
  for (const at of wrong) {
    const options = { ...at, app: "notes", session } as ClientOptions;
    assertThrows(
      () => new DitClient(options),
      TypeError,
      "one endpoint, or an issueEndpoint and a logEndpoint",
    );
  }
  for (const text of ["http://logs.example", "https://logs.example?a", "logs.example"]) {
    const options = { issueEndpoint, logEndpoint: text, app: "notes", session };
    assertThrows(() => new DitClient(options), TypeError, undefined, text);
  }
});

Deno.test("DitClient takes an endpoint with a path, and plain http on this machine", async () => {
  const urls: string[] = [];
  const fetch: Fetch = (url) => {
    urls.push(url);
    return Promise.reject(new TypeError("no network"));
  };
  for (
    const endpoint of ["https://telemetry.example/dit/", "http://localhost:8000", "http://127.0.0.1:8000/"]
  ) {
    const client = new DitClient({ endpoint, app: "notes", session: () => Promise.resolve(""), fetch });
    client.log("app_opened", {});
    await client.flush();
    await client.close();
  }
  assertEquals([...new Set(urls)], [
    "https://telemetry.example/dit/v1/apps/notes/schema",
    "http://localhost:8000/v1/apps/notes/schema",
    "http://127.0.0.1:8000/v1/apps/notes/schema",
  ]);
});
