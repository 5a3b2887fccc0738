import { assertEquals, assertRejects } from "@std/assert";
import { type QuotaRequest, spendQuota } from "../../../core/acs/quota.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { revokeKeys } from "../../../core/keys/replacement.ts";
import type { Service } from "../../../core/service.ts";
import { EPOCH, NOW } from "../../support/service/keys.ts";
import { openService } from "../../support/service/split.ts";

const alice = { issuer: "https://login.example", subject: "alice@example.org" };

async function withKey(
  run: (
    service: Service,
    ask: (changes: Partial<QuotaRequest>) => ReturnType<typeof spendQuota>,
  ) => Promise<void>,
): Promise<void> {
  const service = await openService({ seconds: NOW });
  const key = await service.ringOf("notes").issuing(NOW);
  const asked = { key, client: alice, request: Uint8Array.of(1), tokens: 1, now: () => NOW };
  await run(service, (changes) => spendQuota(service.store, { ...asked, ...changes }));
  service.store.close();
}

async function assertExhausted(work: Promise<unknown>, retryAfterSeconds: number): Promise<void> {
  const { code, details } = await assertRejects(() => work, Refusal);
  assertEquals([code, details.retryAfterSeconds], ["quota_exhausted", retryAfterSeconds]);
}

Deno.test("spendQuota() grants a client its tokens of a key, a whole request or nothing of it", () =>
  withKey(async (_, ask) => {
    assertEquals(await ask({ tokens: 3 }), "granted");
    const wait = (EPOCH + 1) * 86_400 - NOW;
    await assertExhausted(ask({ request: Uint8Array.of(2), tokens: 2 }), wait);
    assertEquals(await ask({ request: Uint8Array.of(3), tokens: 1 }), "granted");
    await assertExhausted(ask({ request: Uint8Array.of(4), tokens: 1 }), wait);
    assertEquals(await ask({ client: { ...alice, subject: "bob@example.org" }, tokens: 4 }), "granted");
  }));

Deno.test("spendQuota() grants the same bytes again for nothing, eight times an hour", () =>
  withKey(async (_, ask) => {
    assertEquals(await ask({ tokens: 4 }), "granted");
    for (let repeat = 0; repeat < 8; repeat++) assertEquals(await ask({ tokens: 4 }), "repeated");
    const hour = Math.floor(NOW / 3_600) + 1;
    await assertExhausted(ask({ tokens: 4 }), hour * 3_600 - NOW);
    assertEquals(await ask({ tokens: 4, now: () => hour * 3_600 }), "repeated");
  }));

Deno.test("spendQuota() grants nothing under a key that has ended, and writes nothing", () =>
  withKey(async (service, ask) => {
    await revokeKeys(service.rotation, service.appOf("notes"), EPOCH, 0, NOW);
    const rows = () => Array.fromAsync(service.store.list({ prefix: [] }));
    const before = await rows();
    assertEquals(await ask({}), "key_over");
    assertEquals(await rows(), before);
  }));

Deno.test("spendQuota() grants nothing once the key has stopped issuing, however slow the store was", () =>
  withKey(async (service, ask) => {
    const { issueUntil } = await service.ringOf("notes").issuing(NOW);
    const rows = () => Array.fromAsync(service.store.list({ prefix: [] }));
    const before = await rows();
    assertEquals(await ask({ now: () => issueUntil }), "key_over");
    assertEquals(await rows(), before);
    assertEquals(await ask({ now: () => issueUntil - 1 }), "granted");
  }));
