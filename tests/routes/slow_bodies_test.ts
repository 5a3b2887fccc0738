/** What ends while a body arrives has ended: clocks are read, and sessions looked at, when there is something to do. */
import { assertEquals } from "@std/assert";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import { ADMIN_TOKEN, ConsoleBrowser, OPERATED } from "../support/browser/console_browser.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  fetchKeys,
  logsPath,
  oneToken,
  signLog,
  tokensPath,
} from "../support/client/protocol_client.ts";
import { assertRefused, assertRefusedUnwritten } from "../support/http/assert_answers.ts";
import { configOf, type TestService, withService } from "../support/service/service.ts";

const SERVICE_TOKEN = "the-service-token-of-the-tests-of-slow-bodies";
const SERVED = configOf({ notes: { serviceTokenSha256: tokenDigest(SERVICE_TOKEN).toHex() } });

/** A request whose body arrives in two halves; `between` happens when the service waits for the second. */
function halting(init: RequestInit, between: () => void | Promise<void>): RequestInit {
  const bytes = init.body as Uint8Array<ArrayBuffer>;
  const halves = [bytes.slice(0, 1), bytes.slice(1)];
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const half = halves.shift();
      if (halves.length === 0) await between();
      if (half !== undefined) controller.enqueue(half);
      if (halves.length === 0) controller.close();
    },
  }, { highWaterMark: 0 });
  return { ...init, body, duplex: "half" } as RequestInit;
}

async function batchOf(test: TestService, authorization: string): Promise<RequestInit> {
  const key = await fetchIssuingKey(test.send, test.clock.seconds);
  const init = batchRequest(undefined, blindBatch(key, 1).request);
  return { ...init, headers: { ...init.headers as Record<string, string>, authorization } };
}

/** What was granted of any key; the turn of an epoch writes other rows. */
const quotas = (test: TestService) => Array.fromAsync(test.kv.list({ prefix: ["q"] }));

Deno.test("POST tokens signs nothing with a key that stopped issuing while the batch arrived", async () => {
  await withService({}, async (test) => {
    const { issueUntil } = await fetchIssuingKey(test.send, test.clock.seconds);
    test.clock.seconds = issueUntil - 1;
    const init = await batchOf(test, `Bearer ${await test.signIn("alice")}`);
    const slow = halting(init, () => {
      test.clock.seconds = issueUntil;
    });
    await assertRefused(await test.send(tokensPath(), slow), 422, "key_not_issuing");
    assertEquals(await quotas(test), []);
  });
});

Deno.test("POST tokens signs nothing for a session that ended while the batch arrived", async () => {
  await withService({}, async (test) => {
    const exp = test.clock.seconds + 5;
    const init = await batchOf(test, `Bearer ${await test.signIn("alice", "notes", { exp })}`);
    const slow = halting(init, () => {
      test.clock.seconds = exp + 31;
    });
    await assertRefusedUnwritten(test, [tokensPath(), slow], 401, "session_invalid");
  });
});

Deno.test("POST evaluate signs nothing with a key that stopped issuing while the batch arrived", async () => {
  await withService({ config: SERVED }, async (test) => {
    const { issueUntil } = await fetchIssuingKey(test.send, test.clock.seconds);
    test.clock.seconds = issueUntil - 1;
    const init = await batchOf(test, `Bearer ${SERVICE_TOKEN}`);
    const named = { ...init, headers: { ...init.headers as Record<string, string>, "dit-client": "a" } };
    const slow = halting(named, () => {
      test.clock.seconds = issueUntil;
    });
    await assertRefused(await test.send("/acs/v1/apps/notes/evaluate", slow), 422, "key_not_issuing");
    assertEquals(await quotas(test), []);
  });
});

Deno.test("POST logs takes nothing under a key that ended while the log arrived", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const [key] = await fetchKeys(test.send);
    test.clock.seconds = key!.redeemUntil - 1;
    const slow = halting(signLog(token), () => {
      test.clock.seconds = key!.redeemUntil;
    });
    await assertRefused(await test.send(logsPath(), slow), 401, "key_unknown");
    assertEquals(await test.records(), []);
  });
});

Deno.test("a form does nothing for a session that was signed out while it arrived", async () => {
  await withService(OPERATED, async (test) => {
    const browser = await new ConsoleBrowser(test).signIn(ADMIN_TOKEN);
    const path = "/console/apps/notes/keys/rotate";
    const token = await browser.formToken(path);
    const [cookie] = [...browser.cookies].map(([name, { value }]) => `${name}=${value}`);
    const form = new TextEncoder().encode(
      new URLSearchParams({ "form-token": token, reason: "x" }).toString(),
    );
    const headers = {
      cookie: cookie!,
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
    };
    const slow = halting({ method: "POST", headers, body: form }, async () => {
      assertEquals((await browser.post("/console/sign-out", { "form-token": token })).status, 303);
    });
    const before = (await fetchKeys(test.send)).length;
    assertEquals((await test.send(path, slow)).status, 401);
    assertEquals((await fetchKeys(test.send)).length, before);
  });
});
