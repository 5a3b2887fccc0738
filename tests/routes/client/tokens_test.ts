import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { assertRefused, assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  fetchKeys,
  fetchTokens,
  logsPath,
  signLog,
  tokensPath,
} from "../../support/client/protocol_client.ts";
import {
  BOTH_SUITES,
  configOf,
  snapshot,
  systemRandom,
  type TestService,
  withService,
} from "../../support/service/service.ts";
import { VoprfError } from "../../../core/voprf/suite.ts";
import { BATCH_RESPONSE_TYPE } from "../../../core/token/batch.ts";

async function issuingKey(test: TestService, app = "notes") {
  return await fetchIssuingKey(test.send, test.clock.seconds, app);
}

/** How many quota rows there are, and how many tokens they say were granted. */
async function granted(kv: Deno.Kv): Promise<number[]> {
  const rows = await Array.fromAsync(kv.list<{ granted: number }>({ prefix: ["q"] }));
  return rows.map(({ value }) => value.granted);
}

for (const app of ["notes", "vault"]) {
  Deno.test(`POST tokens gives ${app} a batch whose proof verifies and whose tokens redeem`, async () => {
    await withService({ config: BOTH_SUITES }, async (test) => {
      const jwt = await test.signIn("alice", app);
      const tokens = await fetchTokens(test.send, { jwt, nowSeconds: test.clock.seconds, app }, 4);
      assertEquals(tokens.length, 4);
      for (const token of tokens) {
        assertEquals((await test.send(logsPath(app), signLog(token, { use: 63 }))).status, 200);
      }
      assertEquals((await test.records(app)).length, 4);
    });
  });

  Deno.test(`POST tokens of ${app} proves the key that the directory names, and no other`, async () => {
    await withService({ config: BOTH_SUITES }, async (test) => {
      const keys = await fetchKeys(test.send, app);
      const key = await issuingKey(test, app);
      const batch = blindBatch(key, 2);
      const jwt = await test.signIn("alice", app);
      const response = await test.send(tokensPath(app), batchRequest(jwt, batch.request));
      const bytes = new Uint8Array(await response.arrayBuffer());
      for (const other of keys) {
        if (other.epoch === key.epoch) continue;
        assertThrows(() => batch.finish(bytes, other.publicKey), VoprfError, "the proof does not verify");
      }
      const swapped = bytes.slice();
      const { elementLength } = key.suite;
      const start = bytes.length - 2 * key.suite.scalarLength - 2 * elementLength;
      swapped.copyWithin(start, start + elementLength, start + 2 * elementLength);
      assertThrows(() => batch.finish(swapped), VoprfError, "the proof does not verify");
      assertEquals(batch.finish(bytes).length, 2);
    });
  });
}

Deno.test("POST tokens answers with the type of batches, never to be stored or indexed", async () => {
  await withService({}, async (test) => {
    const { request } = blindBatch(await issuingKey(test), 1);
    const response = await test.send(tokensPath(), batchRequest(await test.signIn("alice"), request));
    assertEquals([...response.headers].filter(([name]) => !name.startsWith("access-control-")), [
      ["cache-control", "no-store"],
      ["content-type", BATCH_RESPONSE_TYPE],
    ]);
    // One element, its length, and the proof: 1 + 32 + 64 bytes.
    assertEquals((await response.arrayBuffer()).byteLength, 97);
  });
});

Deno.test("POST tokens refuses a batch that exceeds the rest of the quota whole, until issue-until", async () => {
  await withService({}, async (test) => {
    const session = { jwt: await test.signIn("alice"), nowSeconds: test.clock.seconds };
    await fetchTokens(test.send, session, 3);
    const key = await issuingKey(test);
    const two = batchRequest(session.jwt, blindBatch(key, 2).request);
    const before = await snapshot(test.kv);
    const response = await test.send(tokensPath(), two);
    assertEquals(response.headers.get("retry-after"), String(key.issueUntil - test.clock.seconds));
    await assertRefused(response, 429, "quota_exhausted");
    assertEquals(await snapshot(test.kv), before);
    await fetchTokens(test.send, session, 1);
    const one = batchRequest(session.jwt, blindBatch(key, 1).request);
    await assertRefusedUnwritten(test, [tokensPath(), one], 429, "quota_exhausted");
    assertEquals(await granted(test.kv), [4]);
  });
});

Deno.test("POST tokens counts each client and each key for itself", async () => {
  await withService({}, async (test) => {
    for (const subject of ["alice", "bob", "alice\u0000bob"]) {
      await fetchTokens(test.send, { jwt: await test.signIn(subject), nowSeconds: test.clock.seconds }, 4);
    }
    // A second session of the same client is the same client.
    const again = await test.signIn("alice", "notes", { jti: "another", exp: test.clock.seconds + 10 });
    const spent = batchRequest(again, blindBatch(await issuingKey(test), 1).request);
    await assertRefusedUnwritten(test, [tokensPath(), spent], 429, "quota_exhausted");
    test.clock.seconds += 86_400;
    await fetchTokens(test.send, { jwt: await test.signIn("alice"), nowSeconds: test.clock.seconds }, 4);
    assertEquals(await granted(test.kv), [4, 4, 4, 4]);
  });
});

Deno.test("POST tokens stores nothing that names the client, and nothing that two epochs have in common", async () => {
  await withService({}, async (test) => {
    const subject = "alice-canary@example.org";
    for (let epoch = 0; epoch < 2; epoch++) {
      await fetchTokens(test.send, { jwt: await test.signIn(subject), nowSeconds: test.clock.seconds });
      test.clock.seconds += 86_400;
    }
    const rows = (await snapshot(test.kv)).filter(({ key }) => key[0] === "q");
    assertEquals(rows.length, 2);
    // The key is u32 ordinal | tag: one client's tags of two epochs differ.
    const tags = rows.map(({ key }) => (key[1] as Uint8Array).slice(4).toHex());
    assertNotEquals(tags[0], tags[1]);
    assertEquals(Deno.inspect(rows, { depth: 9, strAbbreviateSize: 1e6 }).includes("canary"), false);
  });
});

Deno.test("POST tokens gives 4 of 50 concurrent fetches their token", async () => {
  await withService({}, async (test) => {
    const jwt = await test.signIn("alice");
    const key = await issuingKey(test);
    const batches = Array.from({ length: 50 }, () => blindBatch(key, 1));
    const answers = await Promise.all(
      batches.map(({ request }) => test.send(tokensPath(), batchRequest(jwt, request))),
    );
    const given = answers.flatMap((answer, index) => answer.status === 200 ? [{ answer, index }] : []);
    assertEquals(given.length, 4);
    assertEquals(answers.filter(({ status }) => status === 429).length, 46);
    for (const { answer, index } of given) {
      const [token] = batches[index]!.finish(new Uint8Array(await answer.arrayBuffer()));
      assertEquals((await test.send(logsPath(), signLog(token!))).status, 200);
    }
    assertEquals(await granted(test.kv), [4]);
  });
});

Deno.test("POST tokens answers the same bytes with the same evaluations, and takes no quota for it", async () => {
  await withService({}, async (test) => {
    const jwt = await test.signIn("alice");
    const batch = blindBatch(await issuingKey(test), 4);
    const request = batchRequest(jwt, batch.request);
    const macKeys = new Set<string>();
    for (let again = 0; again < 3; again++) {
      const response = await test.send(tokensPath(), request);
      assertEquals(response.status, 200);
      for (const { macKey } of batch.finish(new Uint8Array(await response.arrayBuffer()))) {
        macKeys.add(macKey.toHex());
      }
    }
    assertEquals(macKeys.size, 4);
    assertEquals(await granted(test.kv), [4]);
  });
});

Deno.test("POST tokens answers the same bytes 8 times an hour again, then 429 until the hour ends", async () => {
  await withService({}, async (test) => {
    const request = batchRequest(await test.signIn("alice"), blindBatch(await issuingKey(test), 1).request);
    for (let sent = 0; sent < 9; sent++) assertEquals((await test.send(tokensPath(), request)).status, 200);
    const before = await snapshot(test.kv);
    const refused = await test.send(tokensPath(), request);
    // The clock of tests starts 20 min 30 s into an hour.
    assertEquals(refused.headers.get("retry-after"), String(3_600 - 1_230));
    await assertRefused(refused, 429, "quota_exhausted");
    assertEquals(await snapshot(test.kv), before);
    test.clock.seconds += 3_600 - 1_230;
    assertEquals((await test.send(tokensPath(), request)).status, 200);
    assertEquals(await granted(test.kv), [1]);
  });
});

Deno.test("POST tokens counts the repeats of 20 concurrent requests with the same bytes", async () => {
  await withService({}, async (test) => {
    const request = batchRequest(await test.signIn("alice"), blindBatch(await issuingKey(test), 2).request);
    const answers = await Promise.all(Array.from({ length: 20 }, () => test.send(tokensPath(), request)));
    assertEquals(answers.filter(({ status }) => status === 200).length, 9);
    assertEquals(answers.filter(({ status }) => status === 429).length, 11);
    assertEquals(await granted(test.kv), [2]);
  });
});

Deno.test("POST tokens takes another client's bytes for that client's own quota", async () => {
  await withService({}, async (test) => {
    const { request } = blindBatch(await issuingKey(test), 3);
    for (const subject of ["alice", "bob"]) {
      const response = await test.send(tokensPath(), batchRequest(await test.signIn(subject), request));
      assertEquals(response.status, 200);
    }
    assertEquals(await granted(test.kv), [3, 3]);
  });
});

Deno.test("POST tokens keeps count of a client with the largest quota that a configuration can give", async () => {
  await withService({ config: configOf({ notes: { tokensPerClient: 1_024 } }) }, async (test) => {
    const jwt = await test.signIn("alice");
    const key = await issuingKey(test);
    await fetchTokens(test.send, { jwt, nowSeconds: test.clock.seconds });
    // As if 1,022 more batches of one token had been granted: a row cannot get longer.
    const [entry] = await Array.fromAsync(
      test.kv.list<{ requests: { hour: number }[] }>({ prefix: ["q"] }),
    );
    const { requests } = entry!.value;
    const filled = Array.from(
      { length: 1_023 },
      (_, index) => index === 0 ? requests[0] : { ...requests[0], digest: systemRandom(16), repeats: 8 },
    );
    await test.kv.set(entry!.key, { ...entry!.value, granted: 1_023, requests: filled });
    const last = await test.send(tokensPath(), batchRequest(jwt, blindBatch(key, 1).request));
    assertEquals(last.status, 200);
    const over = batchRequest(jwt, blindBatch(key, 1).request);
    await assertRefusedUnwritten(test, [tokensPath(), over], 429, "quota_exhausted");
    assertEquals(await granted(test.kv), [1_024]);
  });
});
