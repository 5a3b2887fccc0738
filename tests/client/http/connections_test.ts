import { assertEquals, assertMatch } from "@std/assert";
import { startService, type TestService } from "../../support/client/client_service.ts";
import { type ClientChanges, makeClient } from "../../support/client/client_under_test.ts";
import { linksOf } from "../../support/client/linked_requests.ts";
import { type WatchedRequest, watchSockets } from "../../support/client/watched_sockets.ts";
import { apart } from "../../../client/http/connections.ts";

/** What comes over sockets when a client does `work`, with the platform's own `fetch`. */
async function watched(
  test: TestService,
  options: ClientChanges,
  work: (send: () => Promise<void>, reset: () => Promise<void>) => Promise<void>,
): Promise<WatchedRequest[]> {
  const requests: WatchedRequest[] = [];
  await using sockets = watchSockets({ service: test, onRequest: (request) => requests.push(request) });
  const endpoint = `http://127.0.0.1:${sockets.port}`;
  const { client, heard } = makeClient(test, { at: { endpoint }, fetch: undefined, ...options });
  const send = async () => {
    client.log("app_opened", {});
    await client.flush();
  };
  await work(send, () => client.resetPseudonym());
  await client.close();
  assertEquals([heard.refused, heard.dropped], [[], []]);
  await test.close();
  return requests;
}

/** On how many connections requests came. */
function connections(requests: readonly WatchedRequest[]): number {
  return new Set(requests.map(({ connection }) => connection)).size;
}

Deno.test("a request shares its connection with no other: not the schema with logs, nor two logs", async () => {
  const requests = await watched(await startService(), {}, async (send, reset) => {
    await send();
    await send();
    await reset();
    await send();
  });
  assertEquals(linksOf(requests), []);
  assertEquals(requests.filter(({ step }) => step === "logs").length, 3);
  assertEquals(connections(requests), requests.length);
});

Deno.test("two accounts' sessions do not share a connection", async () => {
  const test = await startService();
  let subject = "alice";
  const requests = await watched(test, { session: () => test.signIn(subject) }, async (send, reset) => {
    await send();
    subject = "bob";
    await reset();
    await send();
  });
  assertEquals(linksOf(requests), []);
  assertEquals(requests.filter(({ step }) => step === "tokens").length, 2);
  assertEquals(connections(requests), requests.length);
});

Deno.test("where no pseudonym links them, logs of two tokens do not share a connection", async () => {
  const test = await startService({ pseudonymSeconds: false, usesPerToken: 2, tokensPerClient: 64 });
  const requests = await watched(test, {}, async (send) => {
    for (let log = 0; log < 6; log++) await send();
  });
  assertEquals(requests.filter(({ step }) => step === "logs").length, 6);
  assertEquals(linksOf(requests), []);
});

Deno.test("an app's own fetch is told that no two requests share a connection, and nothing of whose they are", async () => {
  const test = await startService();
  const pools: (string | undefined)[] = [];
  const { client } = makeClient(test, {
    fetch(url, init, pool) {
      pools.push(pool);
      return test.fetch(url, init);
    },
  });
  for (let log = 0; log < 2; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  await client.close();
  await test.close();
  assertEquals([pools.length, new Set(pools).size], [5, 5]);
  for (const pool of pools) assertMatch(pool ?? "", /^\d+$/);
});

Deno.test("apart() ends a connection with its request, however it ends, and once its answer is read", async () => {
  const service = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(service.addr as Deno.NetAddr).port}/`;
  const fetch = apart(undefined);
  for (const answer of ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 no\r\n\r\n"]) {
    const asked = fetch(url, {}).catch(() => undefined);
    using connection = await service.accept();
    await connection.read(new Uint8Array(4096));
    const say = (text: string) => connection.write(new TextEncoder().encode(text));
    await say(answer);
    const response = await asked;
    if (response !== undefined) {
      await say("whole");
      assertEquals(await response.text(), "whole");
    }
    // Its end: whoever keeps connections would hear nothing.
    assertEquals(await connection.read(new Uint8Array(1)).catch(() => null), null);
  }
  service.close();
});
