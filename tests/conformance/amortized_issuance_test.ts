import { assert, assertEquals, assertThrows } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, toHex } from "../../core/base/bytes.ts";
import {
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
} from "../../core/token/batch.ts";
import { decodeTokenInput, encodeTokenInput, tokenKeyId, truncatedKeyId } from "../../core/token/token.ts";
import { nobleRistretto255 as suite } from "../../core/voprf/noble.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { VoprfError } from "../../core/voprf/suite.ts";
import { flipBit } from "../support/base/arbitraries.ts";

/** Amortized issuance of token type 5 (draft-ietf-privacypass-batched-tokens), everything in hex. */
interface Vector {
  readonly skS: string;
  readonly pkS: string;
  readonly token_challenge: string;
  readonly nonces: readonly string[];
  readonly blinds: readonly string[];
  readonly token_request: string;
  readonly token_response: string;
  readonly tokens: readonly string[];
}

/** The fourth vector of the draft's Go implementation, so that a lone clone is tested against another one, too. */
const WRITTEN_OUT: Vector = {
  skS: "7f52844968e3b9ebeb82f8930bc02af1ae35a91e9d699949a629f351e7b3c00d",
  pkS: "182d797eaec74157c6911f105fc7d99fb08d567e3da7bfefd50340594c603345",
  token_challenge: "0005000e6973737565722e6578616d706c65000000",
  nonces: [
    "f8534e3448df368adde4bb0609b58799425372e25359922d9382491d355251bd",
    "4d8c92091880c44bc24d5396ecaa68140f65ed3498a72d940bb651b3a952bbfc",
    "e1f48c0ca3847ede3309e4b13cbb9edbbd65e3bfec548ba80b3193f96336fd84",
  ],
  blinds: [
    "903382c558a850f936d8a74e4ad54ea540b451240b8b75ae65852b78e4545e03",
    "477e6b85f1380a627627e37d07466023f73bbe60dd6de2d47c9c6f8805a73509",
    "dffd7898231d883e1b2367f97077d868c2d5dc0d454ac2aa74ce077133cf2b06",
  ],
  token_request:
    "0005dc406062beaa14db5c4d720329060e48228969458db99ff6c9a67a8fa2652f4da1b751daeb2ca361e24b610585e5" +
    "2c7a98ddc10c381d988aa93ddb490024690884471e8a8d702f17f62b60ea43b0299586d4f01d800c6acec318c921b27c" +
    "3457358750",
  token_response:
    "406000e8ca4ba785a65ee67460c8ca95e31a4e29b86cdda7d3bdb59ecc471dd08501dc73c0f433876b3bddb6a251f06a" +
    "056b928e0ce9202d14a34c7454b1bae7a164e6191c065b9387302241f89a636f742ea754b17adba49797b0ec60c0690b" +
    "de4b5cbc1307ff1766a3997897939c5bf404ff7396462f408497d78f4a4f2b73610d0a827e4f85a1995b9a7bab72cd98" +
    "2ae8c52d7a994584a177a03d4e1de4118608",
  tokens: [
    "0005f8534e3448df368adde4bb0609b58799425372e25359922d9382491d355251bdb2174d8c51b010f2f8d73a85a859" +
    "5138f02c4082a27c5348a47679456d9e350fba3d0d2cdfdcfa32ba7e5a520cfeaf05057cacfc374fd400493067c1e85e" +
    "79dc070ae23afc8d8a81e448a4abf0a8e4f0cf2c285d9c7d6707f0b8173fdd9a007159c5351e191937d22aa58dba713f" +
    "541d2ad54e9b25af63b68a0e1060b0a9611f",
    "00054d8c92091880c44bc24d5396ecaa68140f65ed3498a72d940bb651b3a952bbfcb2174d8c51b010f2f8d73a85a859" +
    "5138f02c4082a27c5348a47679456d9e350fba3d0d2cdfdcfa32ba7e5a520cfeaf05057cacfc374fd400493067c1e85e" +
    "79dc0cd9ef54f8d9a456634af013b7da99e4c52cec576c283ee64a92cbb9a5289ce76d492c423f1213b6b3bc7d15c0ec" +
    "c15a3f663f1b99b59b7667b3a8a4d1d7794d",
    "0005e1f48c0ca3847ede3309e4b13cbb9edbbd65e3bfec548ba80b3193f96336fd84b2174d8c51b010f2f8d73a85a859" +
    "5138f02c4082a27c5348a47679456d9e350fba3d0d2cdfdcfa32ba7e5a520cfeaf05057cacfc374fd400493067c1e85e" +
    "79dc9a05c3e96f3abd4e4ea700eb67c95816f76ea423dada2d699a7f92328cd9be5d83e8f77974e930d4eee806599efa" +
    "0d6f3c37749337d1223901a8b60e1bbf991f",
  ],
};

/** All of that implementation's vectors, where the machine has them beside the repository. */
const VECTORS = new URL("../../../shared/vectors/amortized_type5_go.json", import.meta.url);

const bytes = (hex: string) => Uint8Array.fromHex(hex);
const random: RandomSource = (length) => crypto.getRandomValues(new Uint8Array(length));

/**
 * A random source that makes `blind` draw exactly these scalars. It reduces 48 little-endian bytes to 1..order-1 as
 * 1 + n mod (order - 1), so the bytes of a scalar less one give that scalar.
 */
function drawing(scalars: readonly string[]): RandomSource {
  const left = [...scalars];
  return (length) => {
    const drawn = new Uint8Array(length);
    drawn.set(bytes(left.shift()!));
    for (let at = 0; drawn[at]!-- === 0; at++);
    return drawn;
  };
}

/** The token inputs that a client of the vector makes of its nonces. */
function inputsOf(vector: Vector): Uint8Array[] {
  return vector.nonces.map((nonce) =>
    encodeTokenInput({
      tokenType: suite.tokenType,
      nonce: bytes(nonce),
      challengeDigest: sha256(bytes(vector.token_challenge)),
      tokenKeyId: tokenKeyId(bytes(vector.pkS)),
    })
  );
}

/** A token is its input and then the authenticator: 98 + 64 bytes. */
function authenticatorsOf(vector: Vector): Uint8Array[] {
  return vector.tokens.map((token) => bytes(token).slice(98));
}

function checkVector(vector: Vector): void {
  const count = vector.nonces.length;
  const keys = { secretKey: bytes(vector.skS), publicKey: bytes(vector.pkS) };
  const inputs = inputsOf(vector);
  const authenticators = authenticatorsOf(vector);

  // Every token begins with our input and ends with the authenticator that the server alone can tell.
  assertEquals(vector.tokens.map((token) => bytes(token).length), Array(count).fill(162));
  assertEquals(vector.tokens, inputs.map((input, at) => toHex(concat(input, authenticators[at]!))));
  inputs.forEach((input, at) => assertEquals(toHex(decodeTokenInput(input).nonce), vector.nonces[at]));
  assertEquals(suite.evaluate(keys.secretKey, inputs), authenticators);

  // The client's request.
  const { blinds, blindedElements } = suite.blind(inputs, drawing(vector.blinds));
  assertEquals(blinds.map(toHex), vector.blinds);
  const request = { truncatedKeyId: truncatedKeyId(tokenKeyId(keys.publicKey)), blindedElements };
  assertEquals(toHex(encodeBatchRequest(suite, request)), vector.token_request);
  assertEquals(decodeBatchRequest(suite, bytes(vector.token_request), count), request);

  // Their response, and ours to the same request (its proof is randomised), give the client the same tokens.
  const theirs = decodeBatchResponse(suite, bytes(vector.token_response), count);
  assertEquals(toHex(encodeBatchResponse(suite, theirs)), vector.token_response);
  const evaluated = suite.blindEvaluate(keys, request.blindedElements, random);
  assertEquals(evaluated.evaluatedElements, theirs.evaluatedElements);
  const ours = decodeBatchResponse(suite, encodeBatchResponse(suite, evaluated), count);
  const publicKey = keys.publicKey;
  for (const response of [theirs, ours]) {
    const outputs = suite.finalize({ inputs, blinds, blindedElements, publicKey, ...response });
    assertEquals(outputs, authenticators);
  }
}

Deno.test("amortized issuance gives another implementation's request, evaluations and tokens", () => {
  checkVector(WRITTEN_OUT);
});

Deno.test("amortized issuance gives all vectors of that implementation", async () => {
  let text: string;
  try {
    text = await Deno.readTextFile(VECTORS);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- a check that did not run says so.
    console.log(
      "only the vector written out here was checked: ../shared/vectors is not beside the repository",
    );
    return;
  }
  const vectors: Vector[] = JSON.parse(text);
  assert(vectors.length >= 5);
  assertEquals(vectors.filter(({ pkS }) => pkS === WRITTEN_OUT.pkS), [WRITTEN_OUT]);
  vectors.forEach(checkVector);
});

Deno.test("another implementation's evaluations are refused once a bit, the key or the order is another", () => {
  const { pkS, token_response } = WRITTEN_OUT;
  const inputs = inputsOf(WRITTEN_OUT);
  const { blinds, blindedElements } = suite.blind(inputs, drawing(WRITTEN_OUT.blinds));
  const good = {
    inputs,
    blinds,
    blindedElements,
    publicKey: bytes(pkS),
    ...decodeBatchResponse(suite, bytes(token_response), inputs.length),
  };
  const [first, second, third] = good.evaluatedElements;
  const generator = bytes("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76");
  const others = [
    { proof: flipBit(good.proof, 0) },
    { proof: flipBit(good.proof, 300) },
    { proof: new Uint8Array(64) },
    { publicKey: generator },
    { evaluatedElements: [second!, first!, third!] },
    { evaluatedElements: [first!, second!, generator] },
    { evaluatedElements: [first!, second!, new Uint8Array(32)] },
    { evaluatedElements: [first!, second!, flipBit(third!, 255)] },
    { evaluatedElements: [first!, second!] },
  ];
  for (const other of others) assertThrows(() => suite.finalize({ ...good, ...other }), VoprfError);
});
