import { assertEquals } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { revokeKeys } from "../../../core/keys/replacement.ts";
import { MacKeyCache } from "../../../core/acs/mac_keys.ts";
import { LocalRedeemer, type Redemption } from "../../../core/acs/redeemer.ts";
import { EPOCH, NOW, platformRandom } from "../../support/service/keys.ts";
import { makeToken, openService, recordOf, redeemWith, signRedemption } from "../../support/service/split.ts";

/** A cache that counts how often it was gone through. */
class CountingCache extends MacKeyCache {
  clears = 0;
  override clear(ordinal: number): void {
    this.clears++;
    super.clear(ordinal);
  }
}

Deno.test("many requests that hear together of their key's end go through the cache of MAC keys once", async () => {
  const service = await openService({ seconds: NOW });
  const macKeys = new CountingCache(platformRandom);
  const { committer } = service;
  const redeemer = new LocalRedeemer({ ringOf: () => service.ringOf("notes"), committer, macKeys });
  const tokens = [await makeToken(service), await makeToken(service)];
  for (const token of tokens) await redeemWith(redeemer, signRedemption(token, 0), recordOf("a"), NOW);
  assertEquals([macKeys.size, macKeys.clears], [2, 0]);
  await revokeKeys(service.rotation, service.appOf("notes"), EPOCH, 0, NOW);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => {
      const log = signRedemption(tokens[index % 2]!, 1 + index);
      return redeemWith(redeemer, log, recordOf(String(index)), NOW);
    }),
  );
  const codes = outcomes.map((outcome) => outcome.status === "rejected" && (outcome.reason as Refusal).code);
  assertEquals(new Set(codes), new Set(["key_expired"]));
  assertEquals([macKeys.size, macKeys.clears], [0, 1]);
  await committer.drain();
  service.store.close();
});

Deno.test("expect() refuses what no body could save, by the credential alone", async () => {
  const service = await openService({ seconds: NOW });
  const { redeemer } = service;
  const token = await makeToken(service);
  const codeOf = async (log: Redemption) =>
    await redeemer.expect(log, NOW).then(() => "expected", (error) => (error as Refusal).code);
  const forged = signRedemption({ ...token, macKey: platformRandom(32) });
  // A MAC covers a body: nothing can be said of it yet.
  assertEquals([await codeOf(signRedemption(token)), await codeOf(forged)], ["expected", "expected"]);
  assertEquals(await codeOf(signRedemption({ ...token, keyId: platformRandom(32) })), "key_unknown");
  assertEquals(await codeOf(signRedemption(token, 64)), "use_out_of_range");
  assertEquals(await codeOf(signRedemption({ ...token, app: "made-up" })), "app_unknown");
  await revokeKeys(service.rotation, service.appOf("notes"), EPOCH, 0, NOW);
  service.ringOf("notes").forget();
  assertEquals(await codeOf(signRedemption(token)), "key_unknown");
  service.store.close();
});
