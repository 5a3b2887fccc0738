import { assertEquals, assertRejects } from "@std/assert";
import { redeem, type RedeemInput } from "../../../core/acs/redeem.ts";
import type { Redemption } from "../../../core/acs/redeemer.ts";
import { Refusal } from "../../../core/base/errors.ts";
import type { Service } from "../../../core/service.ts";
import { encodeTranscript } from "../../../core/token/mac.ts";
import { EPOCH, NOW } from "../../support/service/keys.ts";
import {
  countClaims,
  makeToken,
  openService,
  signRedemption,
  storedTexts,
} from "../../support/service/split.ts";

function inputOf(service: Service, { app, credential, body }: Redemption): RedeemInput {
  const { keyId, nonce, use } = credential;
  const transcript = encodeTranscript({ app, ...body, keyId, nonce, use });
  return { app: service.appOf(app), storeId: undefined, credential, transcript, nowSeconds: NOW };
}

async function withService(run: (service: Service) => Promise<void>): Promise<void> {
  const service = await openService({ seconds: NOW });
  try {
    await run(service);
  } finally {
    await service.committer.drain();
    service.store.close();
  }
}

async function assertRefused(work: Promise<unknown>, code: string): Promise<void> {
  assertEquals((await assertRejects(() => work, Refusal)).code, code);
}

Deno.test("redeem() claims a use, gives the token's MAC key, and stores no record", () =>
  withService(async (service) => {
    const token = await makeToken(service);
    const input = inputOf(service, signRedemption(token));
    for (const outcome of ["accepted", "replayed", "replayed"] as const) {
      assertEquals(await redeem(service, input), {
        outcome,
        macKey: token.macKey,
        notBefore: EPOCH * 86_400,
        redeemUntil: (EPOCH + 2) * 86_400,
      });
    }
    assertEquals([await countClaims(service), await storedTexts(service)], [1, []]);
  }));

Deno.test("redeem() gives a use to one log, and no MAC key to another's", () =>
  withService(async (service) => {
    const token = await makeToken(service);
    await redeem(service, inputOf(service, signRedemption(token, 0, "one")));
    await assertRefused(redeem(service, inputOf(service, signRedemption(token, 0, "other"))), "use_taken");
    await assertRefused(redeem(service, inputOf(service, signRedemption(token, 64))), "use_out_of_range");
    assertEquals(await countClaims(service), 1);
  }));

Deno.test("redeem() refuses a transcript that says anything else than its request, and claims nothing", () =>
  withService(async (service) => {
    const token = await makeToken(service);
    const other = inputOf(service, signRedemption(await makeToken(service)));
    const input = inputOf(service, signRedemption(token, 5));
    const { credential } = input;
    const wrong: RedeemInput[] = [
      { ...input, app: service.appOf("vault") },
      { ...input, transcript: other.transcript },
      { ...input, transcript: input.transcript.slice(0, -1) },
      { ...input, transcript: new Uint8Array() },
      { ...input, credential: { ...credential, use: 6 } },
      { ...input, credential: { ...credential, nonce: other.credential.nonce } },
      { ...input, credential: { ...credential, keyId: other.credential.nonce } },
      { ...input, credential: { ...credential, mac: other.credential.mac } },
    ];
    for (const changed of wrong) await assertRefused(redeem(service, changed), "mac_invalid");
    assertEquals(await countClaims(service), 0);
  }));
