/** Tokens that serve one pseudonym: across a reset, a turn of the pseudonym, a move, and a client of before. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { PENDING, read, readAll, REQUESTS, TOKENS, write } from "../../client/storage/records.ts";
import type { PendingRecord, RequestRecord, TokenRecord } from "../../client/storage/records.ts";
import { signRequest } from "../../client/queue/request.ts";
import { fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { deriveNonce } from "../../core/token/nonce.ts";
import { present } from "../support/base/present.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { makeClient } from "../support/client/client_under_test.ts";

const DAY = 86_400_000;

/** A log as it went out. */
interface SentLog {
  readonly nonce: string;
  readonly pseudonym: string;
  readonly binding: string;
  readonly bytes: string;
}

/** A network that keeps the logs that pass it, and may answer in the service's place. */
function watch(test: TestService, answer: (log: SentLog) => Response | undefined = () => undefined) {
  const sent: SentLog[] = [];
  const asked: string[] = [];
  const fetch: Fetch = (url, init) => {
    asked.push(url);
    if (!url.endsWith("/logs")) return test.fetch(url, init);
    const bytes = new TextDecoder().decode(init.body as Uint8Array);
    const credential = new Headers(init.headers).get("authorization") ?? "";
    const { pseudonym, binding } = JSON.parse(bytes);
    const log = { nonce: present(/nonce=([^,]+)/.exec(credential)?.[1]), pseudonym, binding, bytes };
    sent.push(log);
    const instead = answer(log);
    return instead === undefined ? test.fetch(url, init) : Promise.resolve(instead);
  };
  return { sent, asked, fetch };
}

function problem(status: number, code: string): Response {
  return Response.json({ status, code }, { status, headers: { "content-type": "application/problem+json" } });
}

function assertBound({ nonce, pseudonym, binding }: SentLog): void {
  assertEquals(nonce, toBase64url(deriveNonce(fromBase64url(binding, 32), fromBase64url(pseudonym))));
}

Deno.test("every log shows what binds its token to its pseudonym", async () => {
  const test = await startService();
  const { sent, fetch } = watch(test);
  const { client, heard } = makeClient(test, { fetch, gzip: false });
  for (let log = 0; log < 3; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  assertEquals([sent.length, heard.sent.length], [3, 3]);
  sent.forEach(assertBound);
  assertEquals(new Set(sent.map(({ binding }) => binding)).size, 1);
  await client.close();
  await test.close();
});

Deno.test("a log shows no binding where no pseudonym is collected", async () => {
  const test = await startService({ pseudonymSeconds: false });
  const { sent, fetch } = watch(test);
  const { client, heard } = makeClient(test, { fetch });
  client.log("app_opened", {});
  await client.flush();
  assertEquals(heard.sent.length, 1);
  assertEquals(Object.keys(JSON.parse(present(sent[0]).bytes)), ["salt", "events", "pad"]);
  await client.close();
  await test.close();
});

for (const code of ["mac_invalid", "pseudonym_mismatch"]) {
  for (const isUncertain of [false, true]) {
    Deno.test(`a log that is refused with ${code}${isUncertain ? " after an unknown outcome" : ""} moves to another token and its binding`, async () => {
      const test = await startService();
      let refusals = isUncertain ? [problem(503, "store_unavailable")] : [];
      refusals.push(problem(401, code));
      const { sent, fetch } = watch(test, () => refusals.shift());
      const { client, heard } = makeClient(test, { fetch, gzip: false });
      client.log("app_opened", {});
      await client.flush();
      await client.flush();
      await client.flush();
      const [first, last] = [present(sent.at(0)), present(sent.at(-1))];
      assertNotEquals([first.nonce, first.binding], [last.nonce, last.binding]);
      assertEquals(first.pseudonym, last.pseudonym);
      sent.forEach(assertBound);
      assertEquals([heard.sent.length, heard.dropped], [1, []]);
      assertEquals((await test.records()).length, 1);
      refusals = [];
      await client.close();
      await test.close();
    });
  }
}

Deno.test("after a reset that has used the quota up logs wait for the next key, and the client tells so", async () => {
  const test = await startService();
  const { asked, fetch, sent } = watch(test);
  const { client, heard } = makeClient(test, { fetch, gzip: false });
  for (let reset = 0; reset < 3; reset++) {
    await client.resetPseudonym();
    client.log("app_opened", {});
    await client.flush();
  }
  // Two tokens are all that a key gives.
  assertEquals([heard.issued.length, heard.sent.length], [2, 2]);
  assertEquals(heard.refused, [{ step: "tokens", code: "quota_exhausted" }]);
  const before = asked.length;
  for (let again = 0; again < 5; again++) {
    client.log("app_opened", {});
    await client.flush();
  }
  // It asks for nothing that the service has said it will not give.
  assertEquals(asked.length, before);
  assertEquals([heard.sent.length, heard.dropped], [2, []]);
  test.clock.now += DAY;
  await client.flush();
  assertEquals([heard.sent.reduce((sum, { events }) => sum + events, 0), heard.dropped], [8, []]);
  assertEquals(new Set(sent.map(({ pseudonym }) => pseudonym)).size, 3);
  sent.forEach(assertBound);
  await client.close();
  await test.close();
});

Deno.test("a request for tokens that is under way at a reset brings no token of the pseudonym before", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const { sent, fetch } = watch(test);
  let isLosing = true;
  const losing: Fetch = async (url, init) => {
    const answer = await fetch(url, init);
    if (!url.endsWith("/tokens") || !isLosing) return answer;
    await answer.body?.cancel();
    throw new TypeError("the connection was reset");
  };
  const { client, heard } = makeClient(test, { storage, fetch: losing, gzip: false });
  client.log("app_opened", {});
  await client.flush();
  const before = await storage.transaction((entries) => read<PendingRecord>(entries, PENDING));
  await client.resetPseudonym();
  assertEquals(await storage.transaction((entries) => entries.get(PENDING)), undefined);
  isLosing = false;
  await client.flush();
  assertEquals(heard.sent.length, 1);
  assert(present(before).pseudonym !== present(sent[0]).pseudonym);
  sent.forEach(assertBound);
  await client.close();
  await test.close();
});

Deno.test("at the turn of the pseudonym no log begins under a token of before, and what is bound goes out as it is", async () => {
  const test = await startService({ pseudonymSeconds: 86_400 });
  let isOffline = true;
  const { sent, fetch } = watch(test, () => isOffline ? problem(503, "store_unavailable") : undefined);
  const { client, heard } = makeClient(test, { fetch, gzip: false });
  client.log("app_opened", {});
  await client.flush();
  isOffline = false;
  test.clock.now += DAY;
  client.log("app_opened", {});
  await client.flush();
  // The token of yesterday redeems and has uses left.
  const [bound, again, fresh] = sent;
  assertEquals([sent.length, bound?.bytes], [3, again?.bytes]);
  assertNotEquals([bound?.nonce, bound?.pseudonym], [fresh?.nonce, fresh?.pseudonym]);
  sent.forEach(assertBound);
  assertEquals([heard.sent.length, heard.dropped], [2, []]);
  await client.close();
  await test.close();
});

/** Writes a storage as a client wrote it before tokens were bound. */
async function asBefore(storage: MemoryStorage): Promise<void> {
  await storage.transaction((entries) => {
    const tokens = readAll<TokenRecord>(entries, TOKENS);
    for (const { key, record } of readAll<RequestRecord>(entries, REQUESTS)) {
      const { binding: _, ...request } = record;
      const { binding: __, ...members } = JSON.parse(new TextDecoder().decode(fromBase64url(request.body)));
      const body = { bytes: utf8(JSON.stringify(members)), contentEncoding: request.contentEncoding };
      const { record: token } = present(tokens.find(({ record: { nonce } }) => nonce === request.nonce));
      const signed = signRequest({ ...request, app: "notes", body, tokenUse: { token, use: request.use } });
      const { inFlight, uncertain } = request;
      write(entries, key, { ...signed, binding: undefined, inFlight, uncertain });
    }
    for (const { key, record: { binding: _, ...token } } of tokens) write(entries, key, token);
    const pending = read<PendingRecord>(entries, PENDING);
    if (pending === undefined) return;
    const { bindings: _, pseudonym: __, ...unbound } = pending;
    write(entries, PENDING, unbound);
  });
}

for (const isUncertain of [false, true]) {
  Deno.test(`a client goes on with what one of before has stored${isUncertain ? ", and whose fate is unknown" : ""}`, async () => {
    const test = await startService();
    const storage = new MemoryStorage();
    const code = isUncertain ? "store_unavailable" : "overloaded";
    const busy = watch(test, () => problem(isUncertain ? 503 : 429, code));
    const before = makeClient(test, { storage, fetch: busy.fetch, gzip: false });
    before.client.log("app_opened", {});
    await before.client.flush();
    before.client.log("note_saved", { ok: true, platform: "web", latency_ms: 3 });
    await before.client.close();
    await asBefore(storage);
    const { sent, asked, fetch } = watch(test);
    const after = makeClient(test, { storage, fetch, gzip: false });
    for (let flush = 0; flush < 3; flush++) await after.client.flush();
    const names = (await test.records()).flatMap(({ events }) => events.map(({ name }) => name));
    if (isUncertain) {
      // It may have landed: it is sent as it is, and given up when the service does not know it.
      assertEquals([names, after.heard.dropped], [["note_saved"], [{ events: 1, reason: "unknown" }]]);
    } else {
      assertEquals([names.toSorted(), after.heard.dropped], [["app_opened", "note_saved"], []]);
      sent.forEach(assertBound);
    }
    // It does not ask over and over: documents, tokens and logs.
    assert(asked.length <= 6, asked.join());
    assertEquals(after.heard.issued, [{ tokens: 1 }]);
    await after.client.close();
    await test.close();
  });
}

Deno.test("a request for tokens that a client of before left is not repeated where a pseudonym is collected", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const offline: Fetch = (url, init) =>
    url.endsWith("/tokens") ? Promise.reject(new TypeError("offline")) : test.fetch(url, init);
  const before = makeClient(test, { storage, fetch: offline });
  before.client.log("app_opened", {});
  await before.client.flush();
  await before.client.close();
  await asBefore(storage);
  const { sent, fetch } = watch(test);
  const { client, heard } = makeClient(test, { storage, fetch, gzip: false });
  await client.flush();
  assertEquals([heard.issued.length, heard.sent.length, heard.dropped], [1, 1, []]);
  sent.forEach(assertBound);
  await client.close();
  await test.close();
});
