/** Lies that take more of a test than a row of the table in tests/lies has. */
import { assert, assertEquals } from "@std/assert";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { TOKENS } from "../../client/storage/records.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { type ClientUnderTest, makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

/** Changes the answers of one step. */
function answering(
  test: TestService,
  step: string,
  change: (response: Response, request: RequestInit) => Response | Promise<Response>,
): Fetch {
  return async (url, init) => {
    const response = await test.fetch(url, init);
    return url.endsWith(`/${step}`) ? await change(response, init) : response;
  };
}

/** Logs through a service that answers dishonestly, and then through the honest one. */
async function expectNothingKept(
  test: TestService,
  makeDishonest: () => Fetch,
  expected: string,
): Promise<ClientUnderTest["heard"]> {
  const storage = new MemoryStorage();
  let isHonest = false;
  const dishonest = makeDishonest();
  const { client, heard } = makeClient(test, {
    storage,
    fetch: (url, init) => isHonest ? test.fetch(url, init) : dishonest(url, init),
  });
  // More than one body holds, so that two tokens of one use are asked for.
  for (let event = 0; event < 101; event++) client.log("app_opened", {});
  for (let round = 0; round < 4; round++) await client.flush();
  assertEquals(heard.issued, []);
  assertEquals(await storage.transaction((entries) => entries.keys(TOKENS)), []);
  assertEquals(heard.dropped, []);
  assert(heard.refused.some(({ code }) => code === expected), JSON.stringify(heard.refused));
  assertEquals(present(await client.inspect()).waiting.length, 101);
  isHonest = true;
  test.clock.now += 3_600_000;
  await client.flush();
  assertEquals(heard.sent.map(({ events }) => events), [100, 1]);
  await client.close();
  return heard;
}

Deno.test("no token is kept of an answer to another request", async () => {
  const test = await startService({ tokensPerClient: 16 });
  let old: Response | undefined;
  const recorder = makeClient(test, {
    fetch: answering(test, "tokens", (response) => {
      old = response.clone();
      return response;
    }),
  });
  recorder.client.log("app_opened", {});
  await recorder.client.flush();
  await recorder.client.close();
  await expectNothingKept(test, () => answering(test, "tokens", () => present(old).clone()), "not_verified");
  await present(old).body?.cancel();
  await test.close();
});

Deno.test("no token is kept that was signed with another key than the directory's", async () => {
  // Another service of the same application and issuer: its directory shows its own keys.
  const test = await startService();
  const other = await startService();
  const now = test.clock.now / 1000;
  const { "token-keys": keys } = await (await test.fetch("https://telemetry.example/v1/apps/notes/keys", {}))
    .json();
  const issuing = keys.find((key: Record<string, number>) =>
    present(key["not-before"]) <= now && now < present(key["issue-until"])
  );
  const truncated = present(
    Uint8Array.fromBase64(issuing["token-key-id"], { alphabet: "base64url" }).at(-1),
  );
  const fetch: Fetch = (url, init) => {
    if (url.endsWith("/keys")) return other.fetch(url, init);
    if (!url.endsWith("/tokens")) return test.fetch(url, init);
    // An honest service signs only what names its key; this one signs whatever comes.
    const body = (init.body as Uint8Array<ArrayBuffer>).slice();
    body[2] = truncated;
    return test.fetch(url, { ...init, body });
  };
  const { client, heard } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.refused[0], { step: "tokens", code: "not_verified" });
  assertEquals(heard.issued, []);
  await client.close();
  await other.close();
  await test.close();
});

Deno.test("a directory that changes a key for this client is not used", async () => {
  const test = await startService();
  const other = await startService();
  const storage = new MemoryStorage();
  const first = makeClient(test, { storage });
  first.client.log("app_opened", {});
  await first.client.flush();
  await first.client.close();
  // A day later: the service shows keys of its own making for the same names.
  const lying: Fetch = (url, init) => url.endsWith("/keys") ? other.fetch(url, init) : test.fetch(url, init);
  const second = makeClient(test, { storage, fetch: lying });
  for (const service of [test, other]) service.clock.now += 2 * 86_400_000;
  second.client.log("app_opened", {});
  await second.client.flush();
  assert(second.heard.refused.some(({ code }) => code === "key_changed"));
  // It goes on with the keys that were published ahead.
  assertEquals(second.heard.sent, [{ events: 1, replayed: false }]);
  await second.client.close();
  await other.close();
  await test.close();
});

Deno.test("a client takes 64 uses of a token at most, whatever the directory says", async () => {
  const test = await startService({ usesPerToken: 1024 });
  const { client, heard } = makeClient(test);
  for (let log = 0; log < 65; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  assertEquals([heard.sent.length, heard.issued.length], [65, 2]);
  await client.close();
  await test.close();
});

Deno.test("a schema that is over drops nothing: what is logged waits for the one of now", async () => {
  const test = await startService();
  let isLying = true;
  const { client, heard } = makeClient(test, {
    fetch: answering(test, "schema", async (response) => {
      if (!isLying) return response;
      const schema = await response.json();
      for (const event of schema.events) event.state = "stopped";
      return Response.json(schema);
    }),
  });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.dropped, [{ events: 1, reason: "collection_stopped" }]);
  isLying = false;
  test.clock.now += 3_600_000;
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.dropped.length, heard.sent], [1, [{ events: 1, replayed: false }]]);
  await client.close();
  await test.close();
});
