import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { assertAccessible, testWithChromium } from "../support/browser/chromium.ts";
import { ExamplePage, setStage, type Stage } from "../support/browser/example_page.ts";
import { serveElsewhere } from "../support/browser/other_origin.ts";
import { present } from "../support/base/present.ts";

/** Chromium's settings for a user who lets no site store anything. */
const STORAGE_DENIED = { profile: { default_content_setting_values: { cookies: 2 } } };

function stageTest(name: string, body: (stage: Stage) => Promise<void>, preferences?: unknown): void {
  testWithChromium(name, async () => {
    await using stage = await setStage({ preferences });
    await body(stage);
  });
}

const names = (events: readonly { name: string }[]) => events.map(({ name }) => name).sort();

stageTest(
  "every log arrives exactly once: offline, reloaded, closed, and with a lost answer",
  async (stage) => {
    const example = await ExamplePage.open(stage);
    await example.press("log", 2);
    await example.sendAll();
    assertEquals(names(await stage.stored()), ["page_view", "page_view"]);

    // Offline, and the page ends with a full queue: once by a reload, once by closing the tab.
    await example.setOffline(true);
    const before = example.requests.length;
    await example.press("log", 3);
    await example.press("crash");
    await example.send();
    await example.waitForEvent("no_answer");
    await example.reload();
    await example.waitForQueued(4);
    assertEquals([await example.tile("state"), example.requests.length], ["offline", before]);
    await example.press("log");
    await example.waitForQueued(5);
    assertEquals((await stage.stored()).length, 2);
    await example.page.close();

    // The service takes a log, and its answer gets lost: the same bytes go again, and are recognised.
    let lost = 0;
    await stage.context.route("**/logs", async (route) => {
      await route.fetch();
      lost++;
      await route.abort();
    }, { times: 1 });
    const again = await ExamplePage.open(stage);
    await again.send();
    await again.waitForEvent("no_answer");
    await again.sendAll();
    await again.waitForEvent("not counted twice");
    assertEquals(lost, 1);
    assertEquals(names(await stage.stored()), ["page_crash", ...Array(6).fill("page_view")]);
    assertEquals([example.errors, again.errors], [[], []]);
  },
);

stageTest("two tabs share one wallet and one queue", async (stage) => {
  const first = await ExamplePage.open(stage);
  const second = await ExamplePage.open(stage);
  await first.setOffline(true);
  await first.press("log", 3);
  await second.press("log", 3);
  // What the first could not send is in the storage, and the second sends it with a token of its own.
  await first.send();
  await second.sendAll();
  await first.waitForQueued(0);
  await first.setOffline(false);
  await Promise.all([first.press("log", 2), second.press("log", 2)]);
  await Promise.all([first.sendAll(), second.sendAll()]);

  assertEquals(first.count("tokens") + second.count("tokens"), 1);
  // Every log request spent one use of the one token, and no two the same.
  const spent = [...first.requests, ...second.requests].filter((request) => request.url().endsWith("/logs"));
  const credentials = await Promise.all(
    spent.map(async (request) => (await request.allHeaders()).authorization),
  );
  const nonces = new Set(credentials.map((text) => /nonce=([^,]+)/.exec(present(text))?.[1]));
  const useNumbers = credentials.map((text) => /use=([0-9]+)/.exec(present(text))?.[1]);
  assertEquals([nonces.size, new Set(useNumbers).size], [1, spent.length]);
  await Promise.all([first, second].map((tab) => tab.waitForTile("uses", String(64 - spent.length))));
  assertEquals((await stage.stored()).length, 10);
  assertEquals([...first.errors, ...second.errors], []);
});

stageTest("where storage is denied, logs are sent from memory, and nothing fails", async (stage) => {
  const example = await ExamplePage.open(stage);
  const denied = await example.page.evaluate(
    `new Promise((resolve) => {
      try {
        const request = indexedDB.open("probe");
        request.onsuccess = () => resolve("granted");
        request.onerror = () => resolve("denied");
      } catch { resolve("denied"); }
    })`,
  );
  assertEquals([denied, await example.tile("storage")], ["denied", "memory only"]);
  await example.press("log", 2);
  await example.press("crash");
  await example.sendAll();
  assertEquals(names(await stage.stored()), ["page_crash", "page_view", "page_view"]);
  assertEquals(example.errors, []);
}, STORAGE_DENIED);

stageTest("a page goes on after the user cleared what its site has stored", async (stage) => {
  const example = await ExamplePage.open(stage);
  await example.press("log");
  await example.sendAll();
  const tools = await stage.context.newCDPSession(example.page);
  await tools.send("Storage.clearDataForOrigin", { origin: stage.url, storageTypes: "indexeddb" });
  await example.press("log", 2);
  await example.sendAll();
  assertEquals(names(await stage.stored()), ["page_view", "page_view", "page_view"]);
  // Two tokens: the first one is gone.
  assertEquals(example.count("tokens"), 2);
  assertEquals(example.errors, []);
});

stageTest("opting out leaves nothing in the browser but that the user opted out", async (stage) => {
  const example = await ExamplePage.open(stage);
  await example.press("log");
  await example.sendAll();
  await example.setOffline(true);
  await example.press("log", 2);
  await example.waitForQueued(2);
  const before = await example.stored();
  const keys = Object.values(before.indexedDb).flat().map(([key]) => key.replace(/\/.*/, ""));
  for (const key of ["device", "directory", "schema", "token"]) assert(keys.includes(key), key);
  // The client tries when it likes, within ten seconds: then its events wait as a request.
  assert(keys.includes("event") || keys.includes("request"), keys.join());

  await example.press("opt-out");
  await example.waitForEvent("opted_out");
  await example.setOffline(false);
  const empty = {
    indexedDb: { "dit-example": [["opted-out", "1"]] as [string, string][] },
    local: [],
    session: [],
    cookies: "",
    caches: [],
  };
  assertEquals(await example.stored(), empty);
  assertEquals(await stage.context.cookies(), []);

  // Nothing more is sent, now or after a reload; a crash is not even stored.
  const sent = example.requests.length;
  await example.page.evaluate(`setTimeout(() => { throw new Error("Somebody pressed Crash"); })`);
  await example.reload();
  await example.page.evaluate(`setTimeout(() => { throw new Error("Somebody pressed Crash"); })`);
  await example.page.locator("#state").getByText("opted out").waitFor();
  assertEquals([example.requests.length, await example.stored()], [sent, empty]);
  assertEquals((await stage.stored()).length, 1);

  // Who opts in again is somebody new.
  await example.press("opt-in");
  await example.press("log");
  await example.sendAll();
  const secret = (stored: typeof before) =>
    present(stored.indexedDb["dit-example"]).find(([key]) => key === "device");
  const [old, renewed] = [secret(before), secret(await example.stored())];
  assert(old !== undefined && renewed !== undefined && old[1] !== renewed[1]);
  assertEquals(example.errors, []);
});

stageTest(
  "resetting the pseudonym gives another one, and a token that never served the old",
  async (stage) => {
    const example = await ExamplePage.open(stage);
    await example.press("log");
    await example.sendAll();
    const before = await example.tile("pseudonym");
    await example.press("reset");
    await example.press("log");
    await example.sendAll();
    const bodies = example.requests.filter((request) => request.url().endsWith("/logs"));
    const seen = await Promise.all(bodies.map(async (request) => ({
      pseudonym: request.postDataJSON().pseudonym,
      nonce: /nonce=([^,]+)/.exec(present((await request.allHeaders()).authorization))?.[1],
    })));
    assertEquals(seen.length, 2);
    const [old, renewed] = seen;
    assertEquals([present(old).pseudonym, present(renewed).pseudonym], [
      before,
      await example.tile("pseudonym"),
    ]);
    assert(old?.pseudonym !== renewed?.pseudonym && old?.nonce !== renewed?.nonce);
  },
);

stageTest("a page of another origin than the service works", async (stage) => {
  await using elsewhere = serveElsewhere(stage);
  const example = await ExamplePage.open(stage, elsewhere.origin);
  assert(new URL(example.page.url()).origin !== new URL(stage.url).origin);
  await example.press("log", 2);
  await example.press("crash");
  await example.sendAll();
  assertEquals(names(await stage.stored()), ["page_crash", "page_view", "page_view"]);
  for (const request of example.requests) {
    assertEquals(new URL(request.url()).origin, stage.url);
    assertEquals((await request.response())?.status(), 200);
  }
  // A refusal crosses origins as well: why, and when to try again.
  const refusal = await example.page.evaluate(
    `fetch("${stage.url}/v1/apps/demo/logs", { method: "POST", headers: { "content-type": "application/json" },
      body: "{}" }).then(async (response) => [response.status, (await response.json()).code])`,
  );
  assertEquals(refusal, [401, "credential_missing"]);
  assertEquals(example.errors, []);
});

stageTest(
  "the network log shows no cookie, no referrer and no extra header on a log request",
  async (stage) => {
    await using elsewhere = serveElsewhere(stage);
    // There is a cookie that a browser would send to the service, and a page that it would name.
    await stage.context.addCookies([{ name: "who", value: "alice", url: stage.url }]);
    const example = await ExamplePage.open(stage, elsewhere.origin);
    const control = example.page.waitForRequest((request) => request.url().endsWith("/logs"));
    await example.page.evaluate(
      `fetch("${stage.url}/v1/apps/demo/logs", { method: "POST", body: "plain", cache: "no-store" }).then(() => undefined)`,
    );
    const ordinary = await (await control).allHeaders();
    assertMatch(present(ordinary.referer), /^http/);
    example.requests.length = 0;

    const sameOrigin = await ExamplePage.open(stage);
    const document = sameOrigin.page.waitForRequest((request) => request.isNavigationRequest());
    await sameOrigin.reload();
    assertEquals((await (await document).allHeaders()).cookie, "who=alice");

    for (const tab of [example, sameOrigin]) {
      await tab.press("log");
      await tab.sendAll();
      const logs = tab.requests.filter((request) => request.url().endsWith("/logs"));
      assertGreater(logs.length, 0);
      for (const request of logs) {
        const headers = await request.allHeaders();
        assertEquals([headers.cookie, headers.referer], [undefined, undefined]);
        assertMatch(
          present(headers.authorization),
          /^DIT key=[\w-]{43}, nonce=[\w-]{43}, use=[0-9]+, mac=[\w-]{43}$/,
        );
        assertEquals(headers["content-type"], "application/json");
        // What is left is what the browser adds to any request of any page.
        const extra = Object.keys(headers).filter((name) =>
          !(name in ordinary) && !["authorization", "origin"].includes(name)
        );
        assertEquals(extra, []);
        assertEquals(new URL(request.url()).search, "");
        const body = request.postDataJSON();
        const members = ["salt", "pseudonym", "binding", "events"];
        assertEquals(Object.keys(body).filter((name) => name !== "pad"), members);
      }
      for (const request of tab.requests) {
        const { cookie, referer, authorization = "" } = await request.allHeaders();
        assertEquals([cookie, referer], [undefined, undefined], request.url());
        // The session goes with token requests and with nothing else.
        assertEquals(authorization.startsWith("Bearer "), request.url().endsWith("/tokens"), request.url());
      }
    }
  },
);

stageTest("the page is accessible, and asks nobody but its own origin for anything", async (stage) => {
  const asked: string[] = [];
  stage.context.on("request", (request) => asked.push(new URL(request.url()).origin));
  const example = await ExamplePage.open(stage);
  await example.press("log");
  await example.press("crash");
  await example.sendAll();
  await assertAccessible(example.page, "the example page");
  assertGreater(asked.length, 5);
  assertEquals([...new Set(asked)].filter((origin) => origin !== stage.url && origin !== "null"), []);
});
