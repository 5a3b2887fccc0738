import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ClientStorage, DitClient, type Fetch, MemoryStorage } from "../../client/mod.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { droppedBy, makeClient } from "../support/client/client_under_test.ts";

const keysOf = (storage: ClientStorage) => storage.transaction((entries) => entries.keys(""));

/** A storage that a test may have fail, and that tells how often it was used. */
function failing() {
  const memory = new MemoryStorage();
  const place = { isFailing: false, uses: 0 };
  const storage: ClientStorage = {
    transaction(body) {
      place.uses++;
      return place.isFailing ? Promise.reject(new Error("disk full")) : memory.transaction(body);
    },
    close: () => Promise.resolve(),
  };
  return { place, memory, storage };
}

/** Has the platform say something for as long as a test lasts. */
async function where(target: object, name: string, value: unknown, body: () => Promise<void>): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { configurable: true, writable: true, value });
  try {
    await body();
  } finally {
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  }
}

/** Counts requests. */
function counting(test: TestService): { readonly fetch: Fetch; readonly count: () => number } {
  let count = 0;
  return {
    count: () => count,
    fetch(url, init) {
      count++;
      return test.fetch(url, init);
    },
  };
}

Deno.test("setOptOut(true) that cannot be stored rejects, holds, and is stored when that can be done", async () => {
  const test = await startService();
  const { place, memory, storage } = failing();
  const { fetch, count } = counting(test);
  const { client, heard } = makeClient(test, { storage, fetch });
  client.log("app_opened", {});
  await client.flush();
  const before = count();
  place.isFailing = true;
  await assertRejects(() => client.setOptOut(true), Error, "what the user chose");
  assertEquals(client.state(), "opted_out");
  client.log("app_opened", {});
  await client.flush();
  place.isFailing = false;
  client.log("app_opened", {});
  await client.flush();
  assertEquals([count(), client.state(), await keysOf(memory)], [before, "opted_out", ["opted-out"]]);
  assertEquals(heard.state, [{ state: "opted_out" }]);
  await client.close();
  const next = makeClient(test, { storage, fetch });
  next.client.log("app_opened", {});
  await next.client.flush();
  assertEquals([count(), next.client.state()], [before, "opted_out"]);
  await next.client.close();
  await test.close();
});

Deno.test("a page stores at its next start the opt-out that could not be stored", async () => {
  const test = await startService();
  const texts = new Map<string, string>();
  const localStorage = {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, text: string) => void texts.set(key, text),
    removeItem: (key: string) => void texts.delete(key),
  };
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  await where(
    globalThis,
    "document",
    page,
    () =>
      where(globalThis, "localStorage", localStorage, async () => {
        const { place, memory, storage } = failing();
        const { fetch, count } = counting(test);
        const first = makeClient(test, { storage, fetch });
        first.client.log("app_opened", {});
        await first.client.flush();
        const before = count();
        place.isFailing = true;
        await assertRejects(() => first.client.setOptOut(true));
        await first.client.close();
        // The next page cannot store it either, and knows.
        const second = makeClient(test, { storage, fetch });
        assertEquals(second.client.state(), "opted_out");
        second.client.log("app_opened", {});
        await second.client.flush();
        await second.client.close();
        place.isFailing = false;
        const third = makeClient(test, { storage, fetch });
        await third.client.flush();
        assertEquals([third.client.state(), await keysOf(memory)], ["opted_out", ["opted-out"]]);
        assertEquals([count(), texts.size], [before, 0]);
        await third.client.close();
      }),
  );
  await test.close();
});

Deno.test("setOptOut(false) that cannot be stored rejects, and the user stays opted out", async () => {
  const test = await startService();
  const { place, storage } = failing();
  const { client } = makeClient(test, { storage });
  await client.setOptOut(true);
  place.isFailing = true;
  await assertRejects(() => client.setOptOut(false));
  assertEquals(client.state(), "opted_out");
  place.isFailing = false;
  await client.setOptOut(false);
  assertEquals(client.state(), "open");
  await client.close();
  await test.close();
});

Deno.test("a client that was closed stores what the user chooses all the same", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const { client } = makeClient(test, { storage });
  client.log("app_opened", {});
  await client.flush();
  await client.close();
  await client.setOptOut(true);
  assertEquals([client.state(), await keysOf(storage)], ["closed", ["opted-out"]]);
  await test.close();
});

Deno.test("until the user agrees nothing is fetched, stored or read, and what was logged before never leaves", async () => {
  const test = await startService();
  const { place, storage } = failing();
  const { fetch, count } = counting(test);
  const { client, heard } = makeClient(test, { storage, fetch, consent: "required" });
  assertEquals(client.state(), "waiting_for_consent");
  for (let event = 0; event < 3; event++) {
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 1 });
  }
  await client.flush();
  await client.resetPseudonym();
  assertEquals([await client.inspect(), count(), place.uses], [undefined, 0, 0]);
  assertEquals(droppedBy(heard), { no_consent: 3 });
  await client.setOptOut(false);
  client.log("app_opened", {});
  await client.flush();
  const events = (await test.records()).flatMap(({ events }) => events.map(({ name }) => name));
  assertEquals([events, heard.state], [["app_opened"], [{ state: "open" }]]);
  // It is said at each start: a storage may be read only where the user has agreed.
  await client.close();
  const next = makeClient(test, { storage, fetch, consent: "required" });
  const used = place.uses;
  await next.client.flush();
  assertEquals([next.client.state(), place.uses], ["waiting_for_consent", used]);
  await next.client.setOptOut(true);
  assertEquals([next.client.state(), await keysOf(storage)], ["opted_out", ["opted-out"]]);
  await next.client.close();
  await test.close();
});

Deno.test("a second client on the same storage follows an opt-out and an opt-in", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const { fetch, count } = counting(test);
  const [one, other] = [makeClient(test, { storage, fetch }), makeClient(test, { storage, fetch })];
  for (const { client } of [one, other]) {
    client.log("app_opened", {});
    await client.flush();
  }
  await one.client.setOptOut(true);
  const before = count();
  other.client.log("app_opened", {});
  await other.client.flush();
  assertEquals([other.client.state(), other.heard.state, count()], [
    "opted_out",
    [{ state: "opted_out" }],
    before,
  ]);
  assertEquals([await keysOf(storage), droppedBy(other.heard)], [["opted-out"], {}]);
  await one.client.setOptOut(false);
  // It is not kept while this client does not know better.
  other.client.log("app_opened", {});
  await other.client.flush();
  assertEquals(other.client.state(), "open");
  other.client.log("app_opened", {});
  await other.client.flush();
  assertEquals(other.client.state(), "open");
  assertEquals(other.heard.sent.length, 2);
  for (const { client } of [one, other]) await client.close();
  await test.close();
});

Deno.test("a request of a second client is ended as soon as that learns of an opt-out", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  await where(globalThis, "document", page, async () => {
    const one = makeClient(test, { storage });
    const arrived = Promise.withResolvers<AbortSignal>();
    const other = makeClient(test, {
      storage,
      fetch(url, init) {
        if (!url.endsWith("/schema")) return test.fetch(url, init);
        const signal = init.signal as AbortSignal;
        arrived.resolve(signal);
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    other.client.log("app_opened", {});
    const flushed = other.client.flush();
    const signal = await arrived.promise;
    await one.client.setOptOut(true);
    // The user comes back to the other tab.
    page.dispatchEvent(new Event("visibilitychange"));
    await flushed;
    assertEquals([signal.aborted, other.client.state()], [true, "opted_out"]);
    await one.client.close();
    await other.client.close();
  });
  await test.close();
});

Deno.test("setOptOut(false) does not reopen what the service stopped", async () => {
  const test = await startService();
  let requests = 0;
  const { client, heard } = makeClient(test, {
    fetch(url, init) {
      requests++;
      return url.endsWith("/logs")
        ? Promise.resolve(new Response('{"code":"app_unknown"}', { status: 404 }))
        : test.fetch(url, init);
    },
  });
  client.log("app_opened", {});
  await client.flush();
  // No problem details, so that it counts as somebody else's answer until it says so.
  assertEquals(client.state(), "open");
  await client.close();
  const stopping = makeClient(test, {
    fetch(url, init) {
      requests++;
      const headers = { "content-type": "application/problem+json" };
      return url.endsWith("/logs")
        ? Promise.resolve(new Response('{"code":"app_unknown"}', { status: 404, headers }))
        : test.fetch(url, init);
    },
    session: () => test.signIn("bob"),
  });
  stopping.client.log("app_opened", {});
  await stopping.client.flush();
  assertEquals([stopping.client.state(), heard.state], ["stopped", [{ state: "closed" }]]);
  const before = requests;
  await stopping.client.setOptOut(false);
  stopping.client.log("app_opened", {});
  await stopping.client.flush();
  assertEquals([stopping.client.state(), requests], ["stopped", before]);
  await stopping.client.setOptOut(true);
  assertEquals(stopping.client.state(), "opted_out");
  await stopping.client.setOptOut(false);
  stopping.client.log("app_opened", {});
  await stopping.client.flush();
  assertEquals([stopping.client.state(), requests], ["stopped", before]);
  test.clock.now += 3_600_000;
  stopping.client.log("app_opened", {});
  await stopping.client.flush();
  assert(requests > before);
  await stopping.client.close();
  await test.close();
});

Deno.test("DO_NOT_TRACK, DIT_OPT_OUT and Global Privacy Control keep a client still, and are configurable", async () => {
  const test = await startService();
  const signals = [
    ["DO_NOT_TRACK", (body: () => Promise<void>) => withVariable("DO_NOT_TRACK", "1", body)],
    ["DIT_OPT_OUT", (body: () => Promise<void>) => withVariable("DIT_OPT_OUT", "true", body)],
    ["GPC", (body: () => Promise<void>) => where(navigator, "globalPrivacyControl", true, body)],
  ] as const;
  for (const [signal, set] of signals) {
    await set(async () => {
      const { place, storage } = failing();
      const { fetch, count } = counting(test);
      const { client, heard } = makeClient(test, { storage, fetch });
      client.log("app_opened", {});
      await client.flush();
      assertEquals([client.state(), count(), place.uses, heard.dropped], ["opted_out", 0, 0, []], signal);
      await client.setOptOut(false);
      assertEquals(client.state(), signal === "GPC" ? "open" : "opted_out");
      await client.close();
      const deaf = makeClient(test, { optOutSignals: [] });
      assertEquals(deaf.client.state(), "open");
      await deaf.client.close();
    });
  }
  for (const value of ["", "0", "false"]) {
    await withVariable("DO_NOT_TRACK", value, async () => {
      const { client } = makeClient(test);
      assertEquals(client.state(), "open");
      await client.close();
    });
  }
  await test.close();
});

async function withVariable(name: string, value: string, body: () => Promise<void>): Promise<void> {
  Deno.env.set(name, value);
  try {
    await body();
  } finally {
    Deno.env.delete(name);
  }
}

Deno.test("forget() leaves nothing on the device but the choice, and the client goes on as a new one", async () => {
  const test = await startService();
  const { place, memory, storage } = failing();
  const { client } = makeClient(test, { storage });
  client.log("app_opened", {});
  await client.flush();
  client.log("app_opened", {});
  await client.forget();
  // Fields under local differential privacy are silent: what was reported about them is forgotten, too.
  assertEquals(await keysOf(memory), ["reports"]);
  client.log("app_opened", {});
  await client.flush();
  const pseudonyms = new Set((await test.records()).map(({ pseudonym }) => pseudonym));
  assertEquals(pseudonyms.size, 2);
  place.isFailing = true;
  await assertRejects(() => client.forget(), Error, "the storage failed");
  place.isFailing = false;
  await client.setOptOut(true);
  await client.forget();
  assertEquals([client.state(), await keysOf(memory)], ["opted_out", ["opted-out"]]);
  await client.close();
  await test.close();
});

Deno.test("state() is right once a client has looked at its storage", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  await storage.transaction((entries) => entries.set("opted-out", "1"));
  const client = new DitClient({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => test.signIn("alice"),
    storage,
  });
  const told = Promise.withResolvers<void>();
  client.on("state", () => told.resolve());
  await told.promise;
  assertEquals(client.state(), "opted_out");
  await client.close();
  await test.close();
});
