import { assert, assertEquals } from "@std/assert";
import { type ClientStorage, DitClient, type Fetch, MemoryStorage } from "../../client/mod.ts";
import { present } from "../support/base/present.ts";
import { startService } from "../support/client/client_service.ts";
import { makeClient, NEVER_SECONDS } from "../support/client/client_under_test.ts";

/** A storage that lasts for whoever holds it. */
function lasting(stored = new MemoryStorage()): ClientStorage {
  return { transaction: (body) => stored.transaction(body), close: () => Promise.resolve() };
}

Deno.test("flush() says how many events were sent, and how many never will be", async () => {
  const test = await startService();
  const { client } = makeClient(test);
  assertEquals(await client.flush(), { sent: 0, waiting: 0, refused: 0, retryAt: undefined });
  client.log("app_opened", {});
  client.log("app_opened", {});
  (client as DitClient).log("never_declared", {});
  assertEquals(await client.flush(), { sent: 2, waiting: 0, refused: 1, retryAt: undefined });
  assertEquals(await client.flush(), { sent: 0, waiting: 0, refused: 0, retryAt: undefined });
  assertEquals(await client.close(), { dropped: 0 });
  await test.close();
});

Deno.test("flush() says what waits offline, and when it is tried again; close() what is lost in memory", async () => {
  const test = await startService();
  const fetch: Fetch = () => Promise.reject(new TypeError("offline"));
  for (const [storage, dropped] of [[undefined, 2], [lasting(), 0]] as const) {
    const { client } = makeClient(test, { fetch, storage });
    client.log("app_opened", {});
    client.log("app_opened", {});
    const { retryAt, ...counts } = await client.flush();
    assertEquals(counts, { sent: 0, waiting: 2, refused: 0 });
    assert(
      present(retryAt) >= test.clock.now &&
        present(retryAt) <= test.clock.now + NEVER_SECONDS * 1000 + 900_000,
    );
    const [closed, again] = await Promise.all([client.close(), client.close()]);
    assertEquals([closed, again], [{ dropped }, { dropped }]);
    assertEquals(await client.flush(), { sent: 0, waiting: 0, refused: 0, retryAt: undefined });
  }
  await test.close();
});

Deno.test("flush() names the time until which the service asked to wait", async () => {
  const test = await startService();
  const fetch: Fetch = () =>
    Promise.resolve(new Response("", { status: 429, headers: { "retry-after": "1800" } }));
  const { client } = makeClient(test, { fetch, delaySeconds: 0 });
  client.log("app_opened", {});
  const { waiting, retryAt } = await client.flush();
  assertEquals(waiting, 1);
  assert(retryAt !== undefined && retryAt >= test.clock.now + 1_800_000);
  await client.close();
  await test.close();
});

Deno.test("flush({ timeout }) answers then with what is known, and what it began goes on", async () => {
  const test = await startService();
  const held = Promise.withResolvers<void>();
  const fetch: Fetch = async (...request) => {
    await held.promise;
    return await test.fetch(...request);
  };
  const { client } = makeClient(test, { fetch });
  client.log("app_opened", {});
  client.log("app_opened", {});
  const { retryAt, ...counts } = await client.flush({ timeout: 20 });
  assertEquals(counts, { sent: 0, waiting: 2, refused: 0 });
  assert(retryAt !== undefined);
  held.resolve();
  const rest = await client.flush({ timeout: NaN });
  assertEquals(rest, { sent: 2, waiting: 0, refused: 0, retryAt: undefined });
  await client.close();
  await test.close();
});

Deno.test("flush({ timeout }) answers where the storage does not", async () => {
  const test = await startService();
  const held = Promise.withResolvers<void>();
  const stored = new MemoryStorage();
  const storage: ClientStorage = {
    async transaction(body) {
      await held.promise;
      return await stored.transaction(body);
    },
    close: () => Promise.resolve(),
  };
  const { client } = makeClient(test, { storage });
  client.log("app_opened", {});
  const { retryAt: _, ...counts } = await client.flush({ timeout: 0 });
  assertEquals(counts, { sent: 0, waiting: 1, refused: 0 });
  held.resolve();
  assertEquals(await client.close(), { dropped: 0 });
  await test.close();
});

Deno.test("close() counts what a storage that fails did not take", async () => {
  const test = await startService();
  const storage: ClientStorage = {
    transaction: () => Promise.reject(new Error("full")),
    close: () => Promise.resolve(),
  };
  const { client } = makeClient(test, { storage });
  client.log("app_opened", {});
  assertEquals(await client.close(), { dropped: 1 });
  await test.close();
});

Deno.test("flush() says nothing of the queue of a user who opted out", async () => {
  const test = await startService();
  const { client } = makeClient(test);
  client.log("app_opened", {});
  await client.setOptOut(true);
  assertEquals(await client.flush(), { sent: 0, waiting: 0, refused: 0, retryAt: undefined });
  assertEquals(await client.close(), { dropped: 0 });
  await test.close();
});
