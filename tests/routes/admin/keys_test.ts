import { assertEquals } from "@std/assert";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { createApp } from "../../../routes/app.ts";
import { EPOCH, NOW } from "../../support/service/keys.ts";
import {
  makeToken,
  openService,
  recordOf,
  redeemWith,
  signRedemption,
  splitDeployment,
} from "../../support/service/split.ts";

const TOKEN = "an-admin-token-of-tests";

async function open() {
  const service = await openService({ seconds: NOW }, splitDeployment());
  const app = createApp({ version: "0.0.0", service, operatorTokens: { admin: tokenDigest(TOKEN) } });
  const call = async (path: string, body?: unknown, method = body === undefined ? "GET" : "POST") => {
    const response = await app.request(path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { service, app, call, [Symbol.dispose]: () => service.store.close() };
}

const REVOKE = "/admin/v1/apps/notes/keys/revoke";

Deno.test("GET /admin/v1/keys lists every key with its state, and nothing that is secret", async () => {
  using test = await open();
  const { status, body } = await test.call("/admin/v1/keys");
  assertEquals([status, body.keys.length], [200, 8]);
  assertEquals(Object.keys(body.keys[0]).toSorted(), [
    "app",
    "epoch",
    "generation",
    "issueUntil",
    "keyId",
    "notBefore",
    "redeemUntil",
    "region",
    "sealedByNewest",
    "state",
  ]);
  assertEquals(body.keys.slice(0, 2).map(({ state }: { state: string }) => state), ["issuing", "scheduled"]);
});

Deno.test("POST rotate has the next generation issue at once, and the key before it redeem", async () => {
  using test = await open();
  const token = await makeToken(test.service);
  const { status, body } = await test.call("/admin/v1/apps/notes/keys/rotate", {});
  assertEquals([status, body.made.generation], [200, 1]);
  assertEquals((await test.service.ringOf("notes").issuing(NOW)).generation, 1);
  await redeemWith(test.service.redeemer, signRedemption(token), recordOf("a"), NOW);
  const { body: listed } = await test.call("/admin/v1/keys");
  assertEquals(listed.keys.slice(0, 2).map(({ state }: { state: string }) => state), [
    "redeeming",
    "issuing",
  ]);
});

Deno.test("POST rotate that names its key makes that one, however often it is sent", async () => {
  using test = await open();
  const rotate = (epoch: number, generation: number) =>
    test.call("/admin/v1/apps/notes/keys/rotate", { key: { epoch, generation }, reason: "drill" });
  const first = await rotate(EPOCH, 1);
  assertEquals([first.status, first.body.made.generation], [200, 1]);
  assertEquals(await rotate(EPOCH, 1), first);
  assertEquals((await test.service.ringOf("notes").issuing(NOW)).generation, 1);
  assertEquals((await rotate(EPOCH, 3)).body.code, "replacement_refused");
});

Deno.test("POST revoke ends a key for the very next request of this process", async () => {
  using test = await open();
  const token = await makeToken(test.service);
  await redeemWith(test.service.redeemer, signRedemption(token), recordOf("a"), NOW);
  const revoked = await test.call(REVOKE, { epoch: EPOCH, "through-generation": 0 });
  assertEquals([revoked.status, revoked.body.replacement.generation], [200, 1]);
  const late = redeemWith(test.service.redeemer, signRedemption(token, 1), recordOf("b"), NOW);
  assertEquals(await late.catch(({ code }) => code), "key_unknown");
  assertEquals((await makeToken(test.service)).keyId === token.keyId, false);
});

Deno.test("the routes to keys refuse what is malformed, unknown or not to be had", async () => {
  using test = await open();
  for (
    const body of [
      "",
      "{",
      "[]",
      {},
      { epoch: EPOCH },
      { epoch: -1, "through-generation": 0 },
      { epoch: String(EPOCH), "through-generation": 0 },
      { epoch: EPOCH, "through-generation": 0, more: 1 },
    ]
  ) assertEquals((await test.call(REVOKE, body, "POST")).body.code, "body_malformed");
  const unknown = await test.call(REVOKE, { epoch: 3, "through-generation": 0 });
  assertEquals([unknown.status, unknown.body.code], [404, "epoch_unknown"]);
  const beyond = await test.call(REVOKE, { epoch: EPOCH, "through-generation": 1 });
  assertEquals([beyond.status, beyond.body.code], [404, "generation_unknown"]);
  const other = await test.call("/admin/v1/apps/nope/keys/rotate", {});
  assertEquals([other.status, other.body.code], [404, "app_unknown"]);
  for (const generation of [1, 2]) {
    assertEquals((await test.call("/admin/v1/apps/notes/keys/rotate", {})).body.made.generation, generation);
  }
  const third = await test.call("/admin/v1/apps/notes/keys/rotate", {});
  assertEquals([third.status, third.body.code], [409, "replacement_refused"]);
  assertEquals((await test.call("/admin/v1/keys/reseal", {})).body, { resealed: 0, unreadable: 0 });
});

Deno.test("without the token there is no way to the keys", async () => {
  using test = await open();
  for (const path of ["/admin/v1/keys", REVOKE]) {
    const response = await test.app.request(path, path === REVOKE ? { method: "POST" } : {});
    assertEquals([response.status, (await response.json()).code], [401, "admin_token_invalid"]);
  }
});
