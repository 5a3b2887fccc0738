import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { startService, type TestService } from "../../support/client/client_service.ts";
import { type ClientChanges, makeClient } from "../../support/client/client_under_test.ts";
import { linksOf } from "../../support/client/linked_requests.ts";
import { type WatchedRequest, watchSockets } from "../../support/client/watched_sockets.ts";
import { Connections } from "../../../client/http/connections.ts";

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

/** On how many connections requests for a step came. */
function connections(requests: readonly WatchedRequest[], step: string): number {
  return new Set(requests.filter((request) => request.step === step).map(({ connection }) => connection))
    .size;
}

Deno.test("logs share a connection under one pseudonym, with no other, and with no step before", async () => {
  const requests = await watched(await startService(), {}, async (send, reset) => {
    await send();
    await send();
    await reset();
    await send();
  });
  assertEquals(linksOf(requests), []);
  assertEquals(requests.filter(({ step }) => step === "logs").length, 3);
  assertEquals(connections(requests, "logs"), 2);
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
  assertEquals([connections(requests, "tokens"), connections(requests, "logs")], [2, 2]);
});

Deno.test("where no pseudonym links them, logs of two tokens do not share a connection", async () => {
  const test = await startService({ pseudonymSeconds: false, usesPerToken: 2, tokensPerClient: 64 });
  const requests = await watched(test, {}, async (send) => {
    for (let log = 0; log < 6; log++) await send();
  });
  const logs = requests.filter(({ step }) => step === "logs");
  assertEquals([logs.length, connections(requests, "logs")], [6, 3]);
});

Deno.test("an app's own fetch is told which requests may share a connection, and nothing of whose they are", async () => {
  const test = await startService();
  const pools: { readonly step: string; readonly pool: string | undefined }[] = [];
  const { client } = makeClient(test, {
    fetch(url, init, pool) {
      pools.push({ step: url.slice(url.lastIndexOf("/") + 1), pool });
      return test.fetch(url, init);
    },
  });
  for (let log = 0; log < 2; log++) {
    client.log("app_opened", {});
    await client.flush();
    if (log === 0) await client.resetPseudonym();
  }
  await client.close();
  await test.close();
  const of = (step: string) => pools.filter((one) => one.step === step).map(({ pool }) => pool);
  const [first, second] = of("logs");
  assertNotEquals(first, second);
  assertEquals(of("schema")[0], first);
  const issuing = [...of("keys"), ...of("tokens")];
  assert(!issuing.includes(first) && !issuing.includes(second));
  for (const { pool = "" } of pools) assert(/^\d+$/.test(pool), pool);
});

Deno.test("Connections.close() closes what it opened, and may be used again", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("here"),
  );
  const connections = new Connections();
  for (const owner of ["one", "another"]) {
    for (const step of ["tokens", "logs"] as const) {
      const answer = await connections.fetch(`http://127.0.0.1:${server.addr.port}/`, {}, step, owner);
      assertEquals(await answer.text(), "here");
    }
    connections.close();
  }
  await server.shutdown();
});
