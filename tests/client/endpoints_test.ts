import { assert, assertEquals } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { DIRECTORY, type DocumentRecord } from "../../client/storage/records.ts";
import { toBase64url } from "../../core/base/bytes.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { makeClient } from "../support/client/client_under_test.ts";

const BASE = "telemetry.example";
const [TOKENS, LOGS] = [`tokens.${BASE}`, `logs.${BASE}`];
const NAMED = { issuing: `https://${TOKENS}`, logging: `https://${LOGS}` };
const SPLIT = { issueHost: TOKENS, logHost: LOGS, endpoints: NAMED };

/** A way to a service that notes where each request goes, as `host step`. */
function noted(fetch: Fetch): { readonly fetch: Fetch; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fetch(url, init) {
      const { host, pathname } = new URL(url);
      asked.push(`${host} ${pathname.split("/").at(-1)}`);
      return fetch(url, init);
    },
  };
}

/** The service's answers, but a directory with other members under its own digest. */
function withDirectory(test: TestService, members: () => Record<string, unknown>): Fetch {
  return async (url, init) => {
    const response = await test.fetch(url, init);
    if (!url.endsWith("/keys")) return response;
    const body = new TextEncoder().encode(JSON.stringify({ ...await response.json(), ...members() }));
    return new Response(body, {
      headers: { ...Object.fromEntries(response.headers), etag: `"${toBase64url(sha256(body))}"` },
    });
  };
}

Deno.test("a client of one endpoint sends each step to the host that the directory names, from its next start on too", async () => {
  const test = await startService({}, SPLIT);
  const storage = new MemoryStorage();
  const first = noted(test.fetch);
  const before = makeClient(test, { storage, fetch: first.fetch });
  before.client.log("app_opened", {});
  await before.client.flush();
  assertEquals(first.asked, [`${BASE} schema`, `${BASE} keys`, `${TOKENS} tokens`, `${LOGS} logs`]);
  await before.client.close();
  // The schema is asked for again, now where logs go; the directory is at hand.
  test.clock.now += 400_000;
  const second = noted(test.fetch);
  const after = makeClient(test, { storage, fetch: second.fetch });
  after.client.log("app_opened", {});
  await after.client.flush();
  assertEquals(second.asked, [`${LOGS} schema`, `${LOGS} logs`]);
  await after.client.close();
  assertEquals((await test.records()).length, 2);
  await test.close();
});

Deno.test("a client of two endpoints asks each for what it is for, whatever the directory says", async () => {
  const at = { issueEndpoint: "https://tokens.other.example", logEndpoint: "https://logs.example" };
  const hosts = { issueHost: "tokens.other.example", logHost: "logs.example", endpoints: NAMED };
  const test = await startService({}, hosts);
  const { fetch, asked } = noted(test.fetch);
  const { client, heard } = makeClient(test, { at, fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(asked, [
    "logs.example schema",
    "tokens.other.example keys",
    "tokens.other.example tokens",
    "logs.example logs",
  ]);
  assertEquals([heard.refused, heard.sent.length], [[], 1]);
  await client.close();
  await test.close();
});

Deno.test("a directory that leads to a host of its choosing gets neither a session nor a log", async () => {
  const test = await startService();
  const foreign = [
    "https://evil.example",
    `https://evil${BASE}`,
    "https://example",
    `https://${BASE}.evil.example`,
    `https://u4711.${BASE}`,
    `https://${BASE}:4711`,
    `https://u4711.logs.${BASE}`,
  ];
  let members: Record<string, unknown> = {};
  const { fetch, asked } = noted(withDirectory(test, () => members));
  let signedIn = 0;
  const { client, heard } = makeClient(test, {
    fetch,
    session: () => {
      signedIn++;
      return test.signIn("alice");
    },
  });
  const codes = () => [...new Set(heard.refused.splice(0).map(({ code }) => code))];
  client.log("app_opened", {});
  for (const name of ["issuing-endpoint", "logging-endpoint"]) {
    for (const place of foreign) {
      members = { [name]: place };
      await client.flush();
      assertEquals(codes(), ["endpoint_foreign"], place);
    }
  }
  // One that names no place at all is no directory.
  members = { "logging-endpoint": "http://logs.telemetry.example" };
  await client.flush();
  assertEquals(codes(), ["malformed"]);
  assertEquals(signedIn, 0);
  assert(asked.every((request) => request === `${BASE} keys` || request === `${BASE} schema`), asked.join());
  members = {};
  test.clock.now += 3_600_000;
  await client.flush();
  assertEquals(heard.sent.length, 1);
  await client.close();
  await test.close();
});

Deno.test("a stored directory leads nowhere that its client would not go", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const first = makeClient(test, { storage });
  first.client.log("app_opened", {});
  await first.client.flush();
  await first.client.close();
  await storage.transaction((entries) => {
    const record = JSON.parse(entries.get(DIRECTORY) ?? "") as DocumentRecord;
    const document = { ...JSON.parse(record.text), "logging-endpoint": "https://evil.example" };
    entries.set(DIRECTORY, JSON.stringify({ ...record, text: JSON.stringify(document) }));
  });
  const { fetch, asked } = noted(test.fetch);
  const { client } = makeClient(test, { storage, fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(asked, [`${BASE} logs`]);
  await client.close();
  await test.close();
});

Deno.test("tokens are found where they are issued now, when the host that was named issues none any more", async () => {
  const test = await startService({}, SPLIT);
  let members: Record<string, unknown> = { "issuing-endpoint": `https://${BASE}` };
  const { fetch, asked } = noted(withDirectory(test, () => members));
  const { client, heard } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.sent.length, heard.stopped], [0, []]);
  members = {};
  asked.length = 0;
  await client.flush();
  assertEquals(asked, [`${BASE} tokens`, `${BASE} keys`, `${TOKENS} tokens`, `${LOGS} logs`]);
  assertEquals([heard.sent.length, (await test.records()).length], [1, 1]);
  await client.close();
  await test.close();
});

Deno.test("a log finds the host that it is for now, when the one that was named takes no logs any more", async () => {
  const test = await startService({}, SPLIT);
  let members: Record<string, unknown> = { "logging-endpoint": `https://${BASE}` };
  const storage = new MemoryStorage();
  const { fetch, asked } = noted(async (url, init) => {
    // Until the hosts move, the old one takes logs.
    const isOld = url.startsWith(`https://${BASE}/`) && url.endsWith("/logs") &&
      members["logging-endpoint"] !== undefined;
    return await withDirectory(test, () => members)(isOld ? url.replace(BASE, LOGS) : url, init);
  });
  const { client, heard } = makeClient(test, { storage, fetch });
  client.log("app_opened", {});
  await client.flush();
  members = {};
  client.log("app_opened", {});
  await client.flush();
  assertEquals(asked.filter((request) => request.endsWith("logs")), [
    `${BASE} logs`,
    `${BASE} logs`,
    `${LOGS} logs`,
  ]);
  assertEquals([heard.sent.length, heard.stopped, heard.dropped], [2, [], []]);
  assertEquals((await test.records()).length, 2);
  await client.close();
  await test.close();
});

Deno.test("a directory that leads from one host to the next is followed once for each log", async () => {
  const test = await startService();
  let count = 0;
  const members = () => ({ "logging-endpoint": `https://${count++ % 2 === 0 ? BASE : LOGS}` });
  const { fetch, asked } = noted(async (url, init) =>
    url.endsWith("/logs")
      ? await test.fetch(url.replace(/\/logs$/, "/nothing"), init)
      : await withDirectory(test, members)(url, init)
  );
  const { client, heard } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(asked.filter((request) => request.endsWith("logs")), [`${BASE} logs`, `${LOGS} logs`]);
  assertEquals(heard.stopped.length, 1);
  await client.close();
  await test.close();
});
