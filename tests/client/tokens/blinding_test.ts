import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { batchRequest, blindTokens, openBatch, usesOfBatch } from "../../../client/tokens/blinding.ts";
import { fromBase64url, toBase64url } from "../../../core/base/bytes.ts";
import { decodeBatchRequest, encodeBatchResponse } from "../../../core/token/batch.ts";
import { deriveNonce } from "../../../core/token/nonce.ts";
import { tokenKeyId } from "../../../core/token/token.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { clientRistretto255 } from "../../../core/voprf/noble_client.ts";
import { seededRandom } from "../../core/voprf/suites.ts";

const random = seededRandom("blinding");
const suite = clientRistretto255;
const keys = nobleRistretto255.generateKeyPair(random);
const key = {
  tokenType: suite.tokenType,
  publicKey: toBase64url(keys.publicKey),
  keyId: toBase64url(tokenKeyId(keys.publicKey)),
  region: "local",
  epoch: 0,
  generation: 0,
  notBefore: 0,
  issueUntil: 100,
  redeemUntil: 200,
};
const directory = {
  issuer: "telemetry.example",
  region: "local",
  issuingEndpoint: undefined,
  loggingEndpoint: undefined,
  epochSeconds: 86_400,
  usesPerToken: 64,
  maxBatch: 5,
  tokensPerClient: 4,
  keys: [key],
};

/** A request for as many tokens as so many logs need. */
const pendingFor = (logs: number | undefined, changes = {}, pseudonym = "") =>
  blindTokens({ app: "notes", suite, random }, {
    directory: { ...directory, ...changes },
    key,
    logs,
    pseudonym,
  });

/** What an honest service answers. */
function answerTo(pending: ReturnType<typeof pendingFor>): Uint8Array {
  const { blindedElements } = decodeBatchRequest(suite, batchRequest(suite, pending), 32);
  return encodeBatchResponse(suite, nobleRistretto255.blindEvaluate(keys, blindedElements, random));
}

Deno.test("blindTokens() asks for as many tokens as the logs need and the directory allows", () => {
  const counts = [1, 64, 65, 192, 193, 10_000].map((logs) => pendingFor(logs).nonces.length);
  assertEquals(counts, [1, 1, 2, 3, 4, 4]);
  assertEquals(pendingFor(10_000, { maxBatch: 2 }).nonces.length, 2);
  // Whatever the directory says, no more than 64 uses of a token: they can be linked.
  const generous = pendingFor(65, { usesPerToken: 1024 });
  assertEquals([generous.uses, generous.nonces.length], [64, 2]);
});

Deno.test("blindTokens() asks for whole batches of tokens of few uses, however much there is to log", () => {
  for (const usesPerToken of [1, 7]) {
    const limits = { usesPerToken, maxBatch: 8, tokensPerClient: 16 };
    assertEquals([1, 3, 16, 500].map((logs) => pendingFor(logs, limits).nonces.length), [8, 8, 8, 8]);
    assertEquals(pendingFor(1, { ...limits, tokensPerClient: 5 }).nonces.length, 5);
    // After a batch was too large for what is left.
    assertEquals(pendingFor(undefined, limits).nonces.length, 1);
    assertEquals(usesOfBatch({ ...directory, ...limits }), 8 * usesPerToken);
  }
  assertEquals(pendingFor(17, { usesPerToken: 8 }).nonces.length, 3);
  assertEquals(usesOfBatch(directory), 64);
});

Deno.test("blindTokens() makes nonces of one pseudonym, each bound by bytes of its own", () => {
  const pseudonym = toBase64url(random(16));
  const { nonces, bindings = [], ...pending } = pendingFor(130, {}, pseudonym);
  assertEquals(pending.pseudonym, pseudonym);
  const bound = bindings.map((binding) => deriveNonce(fromBase64url(binding, 32), fromBase64url(pseudonym)));
  assertEquals(nonces, bound.map(toBase64url));
  assertEquals(new Set(bindings).size, 3);
});

Deno.test("blindTokens() draws nonces that nothing binds where no pseudonym is collected", () => {
  const { nonces, bindings, pseudonym } = pendingFor(130);
  assertEquals([new Set(nonces).size, bindings, pseudonym], [3, undefined, ""]);
});

Deno.test("batchRequest() makes the same bytes each time, and others for another request", () => {
  const pending = pendingFor(100);
  assertEquals(batchRequest(suite, pending), batchRequest(suite, JSON.parse(JSON.stringify(pending))));
  assertNotEquals(batchRequest(suite, pending), batchRequest(suite, pendingFor(100)));
});

Deno.test("openBatch() gives one authenticator a token", () => {
  const pending = pendingFor(130);
  assertEquals(openBatch(suite, pending, answerTo(pending)).map(({ length }) => length), [64, 64, 64]);
});

Deno.test("openBatch() takes no answer with another length, another proof, or to another request", () => {
  const pending = pendingFor(130);
  const body = answerTo(pending);
  const forged = body.slice();
  forged.set([(forged.at(-1) ?? 0) ^ 1], forged.length - 1);
  for (
    const answer of [
      new Uint8Array(),
      body.subarray(0, -1),
      Uint8Array.of(...body, 0),
      forged,
      answerTo(pendingFor(130)),
      answerTo(pendingFor(1)),
    ]
  ) {
    assertThrows(() => openBatch(suite, pending, answer));
  }
});
