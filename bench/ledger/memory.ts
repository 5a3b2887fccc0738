// deno-lint-ignore-file no-console -- it prints for the bench that has started it.
/**
 * Redeems millions of uses against a store that takes everything and keeps nothing, and prints its resident memory in
 * MiB at the end of each share: the median of the share's last twentieth, since the garbage collector lets it rise and
 * fall. The redemption is the service's own: MAC, cache of MAC keys, committer.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { KeyRing, SigningKey } from "../../core/keys/key_ring.ts";
import { MacKeyCache } from "../../core/acs/mac_keys.ts";
import { LocalRedeemer } from "../../core/acs/redeemer.ts";
import { Committer } from "../../core/ledger/committer.ts";
import { storeOver } from "../../core/store/deno_kv/open.ts";
import { computeMac, deriveMacKey, encodeTranscript } from "../../core/token/mac.ts";
import { residentMiB } from "../http/load.ts";
import { median } from "../statistics.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const USES = 64;
const AT_ONCE = 64;

/** A KV whose commits succeed a moment later. */
const nowhere = {
  atomic() {
    const operation = {
      check: () => operation,
      set: () => operation,
      commit: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return { ok: true, versionstamp: "0" };
      },
    };
    return operation;
  },
} as unknown as Deno.Kv;

// The authenticator stands in for the curve's arithmetic, which keeps no memory and would take hours.
const key = {
  ordinal: 1,
  usesPerToken: USES,
  keyId: random(32),
  challengeDigest: random(32),
  secretKey: random(32),
  alive: { key: ["a", 1], stamp: "0" },
  voprf: { tokenType: 5, evaluate: (_secret: Uint8Array, [input]: Uint8Array[]) => [input!.slice(0, 64)] },
} as unknown as SigningKey;
const ring = { redeeming: () => Promise.resolve(key) } as unknown as KeyRing;
const redeemer = new LocalRedeemer({
  ringOf: () => ring,
  committer: new Committer(storeOver(nowhere), random),
  macKeys: new MacKeyCache(random),
});
const record = random(150);
const bodyDigest = random(32);

async function redeemToken(): Promise<void> {
  const nonce = random(32);
  const input = new Uint8Array(98);
  input.set([0, 5]);
  input.set(nonce, 2);
  input.set(key.challengeDigest, 34);
  input.set(key.keyId, 66);
  const macKey = deriveMacKey(input.slice(0, 64));
  for (let use = 0; use < USES; use++) {
    const body = { contentEncoding: "", bodyDigest } as const;
    const transcript = encodeTranscript({ app: "load", ...body, keyId: key.keyId, nonce, use });
    const mac = computeMac(macKey, transcript);
    const redemption = { app: "load", credential: { keyId: key.keyId, nonce, use, mac }, body };
    await redeemer.store(await redeemer.verify(redemption, 1_800_000_000), () => record);
  }
}

/** Tokens between two looks at the memory. */
const TOKENS_A_SAMPLE = 50;

let tokens = 0;
for (const millions of Deno.args.map(Number)) {
  const end = millions * 1e6 / USES;
  const first = end - (end - tokens) / 20;
  const samples: number[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (tokens < end) {
      tokens++;
      await redeemToken();
      if (tokens > first && tokens % TOKENS_A_SAMPLE === 0) samples.push(residentMiB(Deno.pid));
    }
  }));
  console.log(`${millions} ${median(samples).toFixed(1)}`);
}
