import { assert, assertEquals } from "@std/assert";
import type { ClientStorage, Fetch } from "../../../client/mod.ts";
import { QUIET } from "../../../client/storage/records.ts";
import { startService, type TestService } from "../../support/client/client_service.ts";
import { type ClientChanges, makeClient } from "../../support/client/client_under_test.ts";
import { sharedPlace } from "../../support/client/journaled_storage.ts";

/** A page whose end a test decides, for the clients that are made meanwhile. */
async function withPage(
  body: (page: { hide(): void; show(): void; leave(): void; goBack(): void }) => Promise<void>,
): Promise<void> {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  Object.defineProperty(globalThis, "document", { configurable: true, value: page });
  const turn = (state: string) => {
    page.visibilityState = state;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  const hide = () => turn("hidden");
  const show = () => turn("visible");
  try {
    await body({
      hide,
      show,
      // In the order of the HTML Standard, 7.4.6.
      leave() {
        globalThis.dispatchEvent(new Event("pagehide"));
        hide();
      },
      goBack() {
        globalThis.dispatchEvent(new Event("pageshow"));
        show();
      },
    });
  } finally {
    delete (globalThis as { document?: unknown }).document;
  }
}

/** A client that has tokens, issued long ago, and whose log requests are counted. */
async function startClient(test: TestService, changes: ClientChanges & { storage: ClientStorage }) {
  const logs: RequestInit[] = [];
  const fetch: Fetch = (url, init) => {
    if (url.endsWith("/logs")) logs.push(init);
    return (changes.fetch ?? test.fetch)(url, init);
  };
  const made = makeClient(test, { ...changes, fetch });
  made.client.log("app_opened", {});
  await made.client.flush();
  logs.length = 0;
  await changes.storage.transaction((entries) => entries.delete(QUIET));
  return { ...made, logs };
}

const stored = async (test: TestService) => (await test.records()).flatMap(({ events }) => events).length;

/** Waits until what was logged is bound, as a page that lasts for a second does. */
async function untilReady(storage: ClientStorage): Promise<void> {
  const isReady = () =>
    storage.transaction((entries) =>
      entries.keys("request/").some((key) => entries.get(key)?.includes('"ready"'))
    );
  while (!await isReady()) await new Promise((resolve) => setTimeout(resolve, 10));
}

Deno.test("what is ready leaves in the task in which the page ends, with keepalive, and once", async () => {
  await withPage(async (page) => {
    const test = await startService();
    const storage = sharedPlace().open();
    const { client, heard, logs } = await startClient(test, { storage });
    client.log("app_opened", {});
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 3 });
    await untilReady(storage);
    page.leave();
    assertEquals(logs.map(({ keepalive }) => keepalive), [true]);
    await client.flush();
    assertEquals([await stored(test), heard.sent.at(-1)], [3, { events: 2, replayed: false }]);
    // What is logged between is ready for the next end.
    page.goBack();
    client.log("app_opened", {});
    await untilReady(storage);
    page.leave();
    assertEquals(logs.length, 2);
    await client.flush();
    assertEquals([await stored(test), heard.dropped], [4, []]);
    await client.close();
    page.leave();
    assertEquals(logs.length, 2);
    await test.close();
  });
});

Deno.test("what left as a page ended is the same bytes at the next visit, answered or not", async () => {
  for (const isLost of [false, true]) {
    await withPage(async (page) => {
      const test = await startService();
      const place = sharedPlace();
      const death = { at: undefined as "before" | undefined };
      const storage = place.open(death);
      let isCut = false;
      const fetch: Fetch = (url, init) => isCut ? new Promise(() => {}) : test.fetch(url, init);
      const first = await startClient(test, { storage, fetch });
      first.client.log("app_opened", {});
      await untilReady(storage);
      // The page dies with its request on the way, which arrives or does not.
      death.at = "before";
      isCut = isLost;
      page.leave();
      assertEquals(first.logs.length, 1);
      while (!isLost && await stored(test) < 2) await new Promise((resolve) => setTimeout(resolve, 1));
      const before = first.logs[0]?.body;
      const sent: unknown[] = [];
      const second = makeClient(test, {
        storage: place.open(),
        fetch(url, init) {
          if (url.endsWith("/logs")) sent.push(init.body);
          return test.fetch(url, init);
        },
      });
      await second.client.flush();
      assertEquals([sent, second.heard.sent], [[before], [{ events: 1, replayed: !isLost }]]);
      assertEquals([await stored(test), second.heard.dropped], [2, []]);
      await second.client.close();
      await test.close();
    });
  }
});

Deno.test("what is ready and has not left goes out with all else, under the use that it was bound to or another, once", async () => {
  await withPage(async () => {
    const test = await startService();
    const storage = sharedPlace().open();
    const { client, heard, logs } = await startClient(test, { storage });
    client.log("app_opened", {});
    await untilReady(storage);
    client.log("app_opened", {});
    const before = (await client.inspect())?.usesLeft ?? 0;
    await client.flush();
    assertEquals([logs.length, heard.sent.at(-1)], [1, { events: 2, replayed: false }]);
    const after = (await client.inspect())?.usesLeft ?? 0;
    assert(after === before || after === before - 1, `${before} uses, then ${after}`);
    assertEquals(await stored(test), 3);
    await client.close();
    await test.close();
  });
});

Deno.test("another tab that sends what is ready leaves nothing to send twice", async () => {
  await withPage(async (page) => {
    const test = await startService();
    const place = sharedPlace();
    const storage = place.open();
    const first = await startClient(test, { storage });
    first.client.log("app_opened", {});
    await untilReady(storage);
    const second = makeClient(test, { storage: place.open() });
    await second.client.flush();
    assertEquals(await stored(test), 2);
    first.client.log("app_opened", {});
    page.leave();
    await first.client.flush();
    assertEquals([await stored(test), first.heard.dropped, second.heard.dropped], [3, [], []]);
    await first.client.close();
    await second.client.close();
    await test.close();
  });
});

Deno.test("nothing leaves as a page ends beside an issuance, after an opt-out, or where the app has switched it off", async () => {
  await withPage(async (page) => {
    const test = await startService();
    const storage = sharedPlace().open();
    const logs: string[] = [];
    const fetch: Fetch = (url, init) => {
      if (url.endsWith("/logs")) logs.push(url);
      return test.fetch(url, init);
    };
    // Tokens were issued just now.
    const issued = makeClient(test, { storage, fetch, random: (length) => new Uint8Array(length).fill(255) });
    issued.client.log("app_opened", {});
    await untilReady(storage);
    page.leave();
    await issued.client.inspect();
    assertEquals(logs, []);
    page.goBack();
    await issued.client.setOptOut(true);
    await issued.client.close();

    const optedOut = await startClient(test, { storage: sharedPlace().open() });
    optedOut.client.log("app_opened", {});
    await optedOut.client.inspect();
    const done = optedOut.client.setOptOut(true);
    page.leave();
    await done;
    page.goBack();
    await optedOut.client.setOptOut(false);
    page.leave();
    await optedOut.client.flush();
    assertEquals(optedOut.logs.length, 0);
    await optedOut.client.close();
    page.goBack();

    const off = await startClient(test, { storage: sharedPlace().open(), sendAtPageEnd: false });
    off.client.log("app_opened", {});
    await off.client.inspect();
    page.leave();
    await off.client.inspect();
    assertEquals(off.logs.length, 0);
    await off.client.close();
    await test.close();
  });
});
