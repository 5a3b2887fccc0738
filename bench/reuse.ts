/**
 * `deno task bench:reuse`: what the second and later uses of a token cost beside its first one, in the service's own
 * code without HTTP and commit: reading the credential, finding the key, the MAC key (from memory, or evaluated), and
 * the MAC over the digest of a body of one KiB. The two take turns.
 *
 * `--write` keeps the result (docs/performance.md).
 *
 * @module
 */
import type { KeyRing, SigningKey } from "../core/keys/key_ring.ts";
import { MacKeyCache } from "../core/acs/mac_keys.ts";
import { LocalRedeemer } from "../core/acs/redeemer.ts";
import { Committer } from "../core/ledger/committer.ts";
import { storeOver } from "../core/store/deno_kv/open.ts";
import { digestBody } from "../core/token/body_digest.ts";
import { formatCredential, parseCredential } from "../core/token/credential.ts";
import { computeMac, deriveMacKey, encodeTranscript } from "../core/token/mac.ts";
import { encodeTokenInput, tokenKeyId } from "../core/token/token.ts";
import { loadSuites } from "../core/voprf/load.ts";
import { DEFAULT_SUITE } from "../core/voprf/suites.ts";
import { Report } from "./report.ts";
import { markdownTable, median } from "./statistics.ts";

const ROUNDS = 40;
const TOKENS = 50;
const USES = 10;
const NOW = 1_800_000_000;
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

const suite = (await loadSuites(
  (message) => {
    throw new Error(message);
  },
  [DEFAULT_SUITE],
))(DEFAULT_SUITE);
const { secretKey, publicKey } = suite.generateKeyPair(random);
const keyId = tokenKeyId(publicKey);
const challengeDigest = random(32);
const key = { ordinal: 1, usesPerToken: 64, keyId, challengeDigest, secretKey, voprf: suite };
const ring = { redeeming: () => Promise.resolve(key as unknown as SigningKey) } as unknown as KeyRing;
const kv = await Deno.openKv(":memory:");
const committer = new Committer(storeOver(kv), random);
const body = random(1_024);

/** Headers of some uses of a token whose first use was verified neither here nor elsewhere. */
function makeToken(): string[] {
  const nonce = random(32);
  const input = encodeTokenInput({ tokenType: suite.tokenType, nonce, challengeDigest, tokenKeyId: keyId });
  const macKey = deriveMacKey(suite.evaluate(secretKey, [input])[0]!);
  return Array.from({ length: USES }, (_, use) => {
    const bodyDigest = digestBody(body);
    const transcript = encodeTranscript({ app: "load", contentEncoding: "", keyId, nonce, use, bodyDigest });
    return formatCredential({ keyId, nonce, use, mac: computeMac(macKey, transcript) });
  });
}

async function microsecondsEach(redeemer: LocalRedeemer, headers: string[]): Promise<number> {
  const startedAt = performance.now();
  for (const header of headers) {
    const credential = parseCredential(header);
    const covered = { contentEncoding: "", bodyDigest: digestBody(body) } as const;
    await redeemer.verify({ app: "load", credential, body: covered }, NOW);
  }
  return (performance.now() - startedAt) * 1_000 / headers.length;
}

const firsts: number[] = [];
const reuses: number[] = [];
for (let round = -5; round < ROUNDS; round++) {
  const redeemer = new LocalRedeemer({ ringOf: () => ring, committer, macKeys: new MacKeyCache(random) });
  const tokens = Array.from({ length: TOKENS }, makeToken);
  const first = await microsecondsEach(redeemer, tokens.map(([header]) => header!));
  const reuse = await microsecondsEach(redeemer, tokens.flatMap((headers) => headers.slice(1)));
  // The first rounds warm everything up.
  if (round < 0) continue;
  firsts.push(first);
  reuses.push(reuse);
}
kv.close();

const report = new Report("bench:reuse", `${ROUNDS} rounds of ${TOKENS} tokens in turn, medians`);
const [first, reuse] = [median(firsts), median(reuses)];
report.say(markdownTable(["us a log", "time", "of a first use"], [
  ["first use", first.toFixed(1), "1.00"],
  ["later use", reuse.toFixed(1), (reuse / first).toFixed(2)],
]));
await report.keep();
