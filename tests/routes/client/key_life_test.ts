/** What tokens are worth when their key is another one, has ended, or was taken away while a process looked elsewhere. */
import { assertEquals } from "@std/assert";
import { replaceIssuingKey, revokeKeys } from "../../../core/keys/replacement.ts";
import { SIGNING_KEYS } from "../../../core/keys/families.ts";
import { assertRefused, assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  fetchKeys,
  logsPath,
  signLog,
  tokensOf,
  tokensPath,
} from "../../support/client/protocol_client.ts";
import {
  BOTH_SUITES,
  configOf,
  countClaims,
  startService,
  type TestService,
  withService,
} from "../../support/service/service.ts";

const DAY = 86_400;
const TWO_APPS = configOf({ notes: {}, pages: {} });

async function statusOf(test: TestService, log: RequestInit, app = "notes"): Promise<number> {
  const response = await test.send(logsPath(app), log);
  await response.body?.cancel();
  return response.status;
}

/** Two processes on one store that share a clock; the second one's view of the keys is as old as its last request. */
async function withTwoProcesses(run: (one: TestService, two: TestService) => Promise<void>): Promise<void> {
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  await withService({ sealKey }, async (one) => {
    const two = await startService({ kv: one.kv, sealKey, clock: one.clock });
    await run(one, two);
    await two.service.committer.drain();
    assertEquals(two.internalErrors, []);
  });
}

async function revokeCurrent(test: TestService): Promise<void> {
  const app = test.service.appOf("notes");
  const epoch = Math.floor(test.clock.seconds / DAY);
  await revokeKeys(test.service.rotation, app, epoch, 0, test.clock.seconds);
}

Deno.test("A token issued under one application is worth nothing at another, however it is presented", async () => {
  await withService({ config: TWO_APPS }, async (test) => {
    const [token] = await tokensOf(test);
    const pagesKey = await fetchIssuingKey(test.send, test.clock.seconds, "pages");
    const at = (changes: Parameters<typeof signLog>[1]) =>
      [logsPath("pages"), signLog(token!, changes)] as const;
    // As it is, its key is not one of the other application's.
    await assertRefusedUnwritten(test, at({ transcriptApp: "pages" }), 401, "key_unknown");
    await assertRefusedUnwritten(test, at({}), 401, "key_unknown");
    // Under the other application's key the same nonce is another token.
    const { keyId } = pagesKey;
    await assertRefusedUnwritten(test, at({ transcriptApp: "pages", keyId }), 401, "mac_invalid");
    await assertRefusedUnwritten(test, at({ keyId }), 401, "mac_invalid");
    assertEquals(await statusOf(test, signLog(token!)), 200);
  });
});

Deno.test("A token of one suite is worth nothing under the other", async () => {
  await withService({ config: BOTH_SUITES }, async (test) => {
    const [token] = await tokensOf(test);
    const { keyId } = await fetchIssuingKey(test.send, test.clock.seconds, "vault");
    const log = signLog(token!, { keyId, transcriptApp: "vault" });
    await assertRefusedUnwritten(test, [logsPath("vault"), log], 401, "mac_invalid");
  });
});

Deno.test("A token named as one of another epoch is worth nothing", async () => {
  await withService({}, async (test) => {
    const [old] = await tokensOf(test);
    test.clock.seconds += DAY;
    await test.maintain();
    const [token] = await tokensOf(test);
    const swapped = signLog(token!, { keyId: old!.keyId });
    await assertRefusedUnwritten(test, [logsPath(), swapped], 401, "mac_invalid");
    const back = signLog(old!, { keyId: token!.keyId });
    await assertRefusedUnwritten(test, [logsPath(), back], 401, "mac_invalid");
    assertEquals([await statusOf(test, signLog(old!)), await statusOf(test, signLog(token!))], [200, 200]);
  });
});

Deno.test("A key redeems to the last second of its overlap, and its claims outlive it by an hour", async () => {
  await withService({}, async (test) => {
    const [token] = await tokensOf(test);
    const key = (await fetchKeys(test.send)).find(({ keyId }) =>
      keyId.every((byte, at) => byte === token!.keyId[at])
    )!;
    test.clock.seconds = key.redeemUntil - 1;
    await test.maintain();
    assertEquals(await statusOf(test, signLog(token!)), 200);
    test.clock.seconds++;
    await test.maintain();
    await assertRefusedUnwritten(test, [logsPath(), signLog(token!, { use: 1 })], 401, "key_unknown");
    await assertRefusedUnwritten(test, [logsPath(), signLog(token!)], 401, "key_unknown");
    // Its claims outlive it by an hour; then nothing of it is left.
    assertEquals(await countClaims(test.kv), 1);
    test.clock.seconds += 3_600;
    await test.maintain();
    assertEquals(await countClaims(test.kv), 0);
    assertEquals((await test.records()).length, 1);
  });
});

Deno.test("A key that is scheduled neither redeems nor issues before its time", async () => {
  await withService({}, async (test) => {
    const [current, next] = await fetchKeys(test.send);
    const [token] = await tokensOf(test);
    const early = signLog(token!, { keyId: next!.keyId });
    await assertRefusedUnwritten(test, [logsPath(), early], 401, "key_unknown");
    test.clock.seconds = current!.issueUntil - 1;
    const request = batchRequest(await test.signIn("bob"), blindBatch(next!, 1).request);
    await assertRefusedUnwritten(test, [tokensPath(), request], 422, "key_not_issuing");
    test.clock.seconds++;
    assertEquals((await test.send(tokensPath(), request)).status, 200);
  });
});

Deno.test("A revoked key neither redeems nor issues; the next generation has a quota of its own", async () => {
  await withService({}, async (test) => {
    const tokens = await tokensOf(test, { count: 4 });
    const old = await fetchIssuingKey(test.send, test.clock.seconds);
    const accepted = signLog(tokens[0]!);
    assertEquals(await statusOf(test, accepted), 200);
    await revokeCurrent(test);
    test.clock.seconds += 31;
    for (const log of [accepted, signLog(tokens[0]!, { use: 1 }), signLog(tokens[1]!)]) {
      await assertRefusedUnwritten(test, [logsPath(), log], 401, "key_unknown");
    }
    const request = batchRequest(await test.signIn("alice"), blindBatch(old, 1).request);
    await assertRefusedUnwritten(test, [tokensPath(), request], 422, "key_not_issuing");
    const [fresh] = await tokensOf(test, { count: 4 });
    assertEquals(await statusOf(test, signLog(fresh!)), 200);
    const issuing = await fetchIssuingKey(test.send, test.clock.seconds);
    assertEquals([issuing.epoch, issuing.generation], [old.epoch, 1]);
  });
});

Deno.test("A process that does not know of a revocation can claim nothing: the alive row is gone", async () => {
  await withTwoProcesses(async (one, two) => {
    const tokens = await tokensOf(two, { count: 2 });
    const before = signLog(tokens[0]!);
    assertEquals(await statusOf(two, before), 200);
    await revokeCurrent(one);
    // Two still has the key in its view, and both the evaluated and the cached MAC key verify there.
    await assertRefusedUnwritten(two, [logsPath(), signLog(tokens[0]!, { use: 1 })], 401, "key_expired");
    await assertRefusedUnwritten(two, [logsPath(), signLog(tokens[1]!)], 401, "key_unknown");
    assertEquals(await countClaims(two.kv), 1);
  });
});

Deno.test("A process that does not know of a revocation can grant nothing", async () => {
  await withTwoProcesses(async (one, two) => {
    const request = batchRequest(
      await two.signIn("alice"),
      blindBatch(await fetchIssuingKey(two.send, two.clock.seconds), 1).request,
    );
    await revokeCurrent(one);
    await assertRefusedUnwritten(two, [tokensPath(), request], 422, "key_not_issuing");
    // It has looked again since, and issues under the next generation.
    assertEquals((await fetchIssuingKey(two.send, two.clock.seconds)).generation, 1);
    assertEquals((await tokensOf(two)).length, 1);
  });
});

Deno.test("A process whose clock is a day behind can claim nothing under a key that was destroyed", async () => {
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  await withService({ sealKey }, async (one) => {
    const late = await startService({ kv: one.kv, sealKey, clock: { seconds: one.clock.seconds } });
    const [token] = await tokensOf(late);
    assertEquals(await statusOf(late, signLog(token!)), 200);
    one.clock.seconds += 3 * DAY;
    await one.maintain();
    one.clock.seconds += 3_600;
    await one.maintain();
    // Its claims are swept as well by now, and still neither a new use nor the old one is to be had.
    assertEquals(await countClaims(one.kv), 0);
    const expired = [logsPath(), signLog(token!, { use: 1 })] as const;
    await assertRefusedUnwritten(late, expired, 401, "key_expired");
    await assertRefused(await late.send(logsPath(), signLog(token!)), 401, "key_unknown");
    assertEquals([await countClaims(one.kv), (await one.records()).length], [0, 1]);
  });
});

Deno.test("A key ends while its logs are on their way: each is answered, and none is claimed after the end", async () => {
  await withTwoProcesses(async (one, two) => {
    const tokens = await tokensOf(two, { count: 4 });
    const logs = tokens.flatMap((token) => Array.from({ length: 16 }, (_, use) => signLog(token, { use })));
    const answers = logs.map((log) => statusOf(two, log));
    const [statuses] = await Promise.all([Promise.all(answers), revokeCurrent(one)]);
    const accepted = statuses.filter((status) => status === 200).length;
    assertEquals(statuses.filter((status) => status === 401).length, 64 - accepted);
    assertEquals(await countClaims(two.kv), accepted);
    assertEquals((await two.records()).length, accepted);
  });
});

Deno.test("A rotated key goes on redeeming while the next generation issues", async () => {
  await withService({}, async (test) => {
    const [token] = await tokensOf(test, { count: 4 });
    await replaceIssuingKey(test.service.rotation, test.service.appOf("notes"), test.clock.seconds);
    test.clock.seconds += 31;
    const [fresh] = await tokensOf(test, { count: 4 });
    assertEquals([await statusOf(test, signLog(token!)), await statusOf(test, signLog(fresh!))], [200, 200]);
  });
});

Deno.test("The uses of a token are those its key was made with, whatever the configuration says later", async () => {
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  await withService({ sealKey, config: configOf({ notes: { usesPerToken: 3 } }) }, async (test) => {
    const [token] = await tokensOf(test);
    const config = configOf({ notes: { usesPerToken: 64, tokensPerClient: 100 } });
    const changed = await startService({ kv: test.kv, sealKey, clock: test.clock, config });
    assertEquals(await statusOf(changed, signLog(token!, { use: 2 })), 200);
    await assertRefused(await changed.send(logsPath(), signLog(token!, { use: 3 })), 403, "use_out_of_range");
    await tokensOf(changed, { count: 3 });
    const request = batchRequest(
      await changed.signIn("alice"),
      blindBatch(await fetchIssuingKey(changed.send, changed.clock.seconds), 1).request,
    );
    await assertRefused(await changed.send(tokensPath(), request), 429, "quota_exhausted");
  });
});

Deno.test("A made-up key id makes the keys be read at most once a second", async () => {
  await withService({}, async (test) => {
    let reads = 0;
    const list = test.kv.list.bind(test.kv);
    test.kv.list = ((selector, options) => {
      if (JSON.stringify(selector) === JSON.stringify(SIGNING_KEYS.prefix("notes", "local"))) reads++;
      return list(selector, options);
    }) as typeof test.kv.list;
    const [token] = await tokensOf(test);
    const readOnce = async () => {
      reads = 0;
      test.clock.seconds += 2;
      for (let asked = 0; asked < 20; asked++) {
        const keyId = crypto.getRandomValues(new Uint8Array(32));
        assertEquals(await statusOf(test, signLog(token!, { keyId })), 401);
      }
      return reads;
    };
    const first = await readOnce();
    assertEquals(first > 0, true);
    assertEquals(await readOnce(), first);
  });
});
