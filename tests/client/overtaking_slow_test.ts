import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { startService } from "../support/client/client_service.ts";
import { type ClientUnderTest, makeClient, overtaken } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

Deno.test("a log that another tab sent as well, and that arrives after its key's end, is not sent anew", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const begun = Promise.withResolvers<void>();
  const arrival = Promise.withResolvers<void>();
  const delayed: Fetch = async (url, init) => {
    if (url.endsWith("/logs")) {
      begun.resolve();
      await arrival.promise;
    }
    return await test.fetch(url, init);
  };
  const slow = makeClient(test, { storage, fetch: delayed });
  slow.client.log("app_opened", {});
  const slowFlush = slow.client.flush();
  await begun.promise;
  const quick = makeClient(test, {
    storage,
    async fetch(url, init) {
      const response = await test.fetch(url, init);
      if (!url.endsWith("/logs")) return response;
      await response.body?.cancel();
      throw new TypeError("the connection was reset");
    },
  });
  await quick.client.flush();
  test.clock.now += 3 * 86_400_000;
  arrival.resolve();
  await slowFlush;
  assertEquals((await test.records()).length, 1);
  assertEquals(slow.heard.dropped, [{ events: 1, reason: "unknown" }]);
  for (const { client } of [slow, quick]) await client.close();
  await test.close();
});

Deno.test("an answer that comes after the user opted out and in again in another tab takes no other log with it", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const landed = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const slow = makeClient(test, {
    storage,
    async fetch(url, init) {
      const response = await test.fetch(url, init);
      if (!url.endsWith("/logs")) return response;
      landed.resolve();
      await answer.promise;
      return response;
    },
  });
  slow.client.log("app_opened", {});
  const slowFlush = slow.client.flush();
  await landed.promise;
  const offline: Fetch = (url, init) =>
    url.endsWith("/logs") ? Promise.reject(new TypeError("offline")) : test.fetch(url, init);
  const quick = makeClient(test, { storage, fetch: offline });
  await quick.client.setOptOut(true);
  await quick.client.setOptOut(false);
  quick.client.log("app_opened", {});
  await quick.client.flush();
  answer.resolve();
  await slowFlush;
  assertEquals(present(await quick.client.inspect()).bound.length, 1);
  await slow.client.flush();
  assertEquals((await test.records()).length, 2);
  for (const { client } of [slow, quick]) await client.close();
  await test.close();
});

Deno.test("a user who opts out while another tab signs in is asked for no more tokens", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const asked = Promise.withResolvers<void>();
  const session = Promise.withResolvers<string>();
  const urls: string[] = [];
  const slow = makeClient(test, {
    storage,
    session() {
      asked.resolve();
      return session.promise;
    },
    fetch(url, init) {
      urls.push(url);
      return test.fetch(url, init);
    },
  });
  slow.client.log("app_opened", {});
  const flush = slow.client.flush();
  await asked.promise;
  const other = makeClient(test, { storage });
  await other.client.setOptOut(true);
  const before = urls.length;
  session.resolve(await test.signIn("alice"));
  await flush;
  assertEquals(urls.slice(before), []);
  for (const { client } of [slow, other]) await client.close();
  await test.close();
});

Deno.test("a user who opts out as the service refuses the session is asked for no more tokens", async () => {
  const test = await startService();
  let requests = 0;
  const { client } = makeClient(test, {
    session: () => Promise.resolve("no session"),
    fetch(url, init) {
      if (url.endsWith("/tokens")) requests++;
      return test.fetch(url, init);
    },
  });
  client.on("refused", ({ step }) => {
    if (step === "tokens") void client.setOptOut(true);
  });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(requests, 1);
  await client.close();
  await test.close();
});

Deno.test("a client that is overtaken as the epoch turns, by one whose tokens are lost on their way, needs no others", async () => {
  let isOvertaken = true;
  let points = 0;
  for (; isOvertaken; points++) {
    // One token a day and client: whoever gives up a request that was granted has none until tomorrow.
    const test = await startService({ tokensPerClient: 1 });
    const storage = new MemoryStorage();
    let isOffline = true;
    const quick = makeClient(test, {
      storage,
      async fetch(url, init) {
        const response = await test.fetch(url, init);
        if (!url.endsWith("/tokens") || !isOffline) return response;
        await response.body?.cancel();
        throw new TypeError("the connection was reset");
      },
    });
    let passed = 0;
    isOvertaken = false;
    const overtake = async () => {
      if (passed++ !== points) return;
      isOvertaken = true;
      test.clock.now += 86_400_000;
      quick.client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 1 });
      await quick.client.flush();
      isOffline = false;
    };
    const slow = makeClient(test, overtaken(storage, test.fetch, overtake));
    slow.client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 0 });
    await slow.client.flush();
    for (const { client } of [slow, quick]) await client.flush();
    const numbers = (await test.records()).flatMap(({ events }) =>
      events.map(({ fields }) => fields.retries)
    );
    assertEquals(numbers.toSorted(), isOvertaken ? [0, 1] : [0], `overtaken at ${points}`);
    for (const { client } of [slow, quick]) await client.close();
    await test.close();
  }
  assert(points >= 8, `overtaken at ${points} points`);
});

Deno.test("a client that two others overtake loses and doubles nothing, and no use is signed for two logs", async () => {
  let points = 0;
  for (let isOvertaken = true; isOvertaken; points += 2) {
    const test = await startService();
    const storage = new MemoryStorage();
    const macs = new Map<string, Set<string>>();
    let isOffline = false;
    const watched: Fetch = async (url, init) => {
      const credential = new Headers(init.headers).get("authorization") ?? "";
      const [, use, mac] = /^DIT (key=.*), (mac=.*)$/.exec(credential) ?? [];
      if (use !== undefined) {
        macs.set(use, (macs.get(use) ?? new Set()).add(present(mac)));
      }
      const response = await test.fetch(url, init);
      if (!isOffline) return response;
      await response.body?.cancel();
      throw new TypeError("the connection was reset");
    };
    const log = ({ client }: ClientUnderTest, retries: number) => {
      client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries });
      return client.flush();
    };
    const others = [1, 2].map(() => makeClient(test, { storage, fetch: watched })) as [
      ClientUnderTest,
      ClientUnderTest,
    ];
    let passed = 0;
    isOvertaken = false;
    const overtake = async () => {
      const point = passed++;
      if (point === points) {
        isOffline = true;
        await log(others[0], 1);
        isOffline = false;
      }
      // Near to it, and further away.
      if (point !== points + 1 + points % 5) return;
      isOvertaken = true;
      await others[1].client.resetPseudonym();
      await log(others[1], 2);
    };
    const overtakenAfter: Fetch = async (url, init) => {
      const response = await watched(url, init);
      await overtake();
      return response;
    };
    const slow = makeClient(test, overtaken(storage, overtakenAfter, overtake));
    const tabs = [slow, ...others];
    await log(slow, 0);
    for (let round = 0; round < 3; round++) {
      test.clock.now += 20 * 60_000;
      for (const { client } of tabs) await client.flush();
    }
    const numbers = (await test.records()).flatMap(({ events }) =>
      events.map(({ fields }) => fields.retries)
    );
    assertEquals(new Set(numbers).size, numbers.length, `nothing twice, overtaken at ${points}`);
    if (isOvertaken) assertEquals(numbers.toSorted(), [0, 1, 2], `overtaken at ${points}`);
    assertEquals(tabs.flatMap(({ heard }) => heard.dropped), []);
    assert(macs.size > 0 && [...macs.values()].every(({ size }) => size === 1), `overtaken at ${points}`);
    const tokens = tabs.flatMap(({ heard }) => heard.issued).reduce((sum, issued) => sum + issued.tokens, 0);
    assertLessOrEqual(tokens, 2, "one for each pseudonym");
    for (const { client } of tabs) await client.close();
    await test.close();
  }
  assert(points >= 8, `overtaken at ${points} points`);
});
