import { assertEquals, assertThrows } from "@std/assert";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { clientRistretto255 } from "../../../core/voprf/noble_client.ts";
import { type FinalizeRequest, VoprfError } from "../../../core/voprf/suite.ts";
import { RFC9496_INVALID } from "./malformed.ts";
import { RFC9497_VOPRF } from "./rfc9497_vectors.ts";
import { seededRandom } from "./suites.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex);
const list = (joined: string) => joined.split(",").map(bytes);
const file = RFC9497_VOPRF.find(({ identifier }) => identifier === "ristretto255-SHA512")!;

file.vectors.forEach((vector, index) => {
  const inputs = list(vector.Input);

  Deno.test(`client ristretto255: blind() gives vector ${index + 1} of RFC 9497`, () => {
    const script = list(vector.Blind);
    const blinded = clientRistretto255.blind(inputs, (length) => {
      // A scalar is a wide number modulo the order: the vector's scalar is its own.
      const wide = new Uint8Array(length);
      wide.set(script.shift()!);
      return wide;
    });
    assertEquals(blinded.blinds, list(vector.Blind));
    assertEquals(blinded.blindedElements, list(vector.BlindedElement));
  });

  Deno.test(`client ristretto255: finalize() gives the outputs of vector ${index + 1} of RFC 9497`, () => {
    const outputs = clientRistretto255.finalize({
      inputs,
      blinds: list(vector.Blind),
      blindedElements: list(vector.BlindedElement),
      evaluatedElements: list(vector.EvaluationElement),
      publicKey: bytes(file.pkSm),
      proof: bytes(vector.Proof.proof),
    });
    assertEquals(outputs, list(vector.Output));
  });
});

/** A batch of three that verifies. */
function honestBatch(seed: string): { request: FinalizeRequest; outputs: Uint8Array[] } {
  const random = seededRandom(seed);
  const keys = nobleRistretto255.generateKeyPair(random);
  const inputs = [random(98), random(98), random(98)];
  const blinded = clientRistretto255.blind(inputs, random);
  const evaluated = nobleRistretto255.blindEvaluate(keys, blinded.blindedElements, random);
  return {
    request: { inputs, ...blinded, ...evaluated, publicKey: keys.publicKey },
    outputs: nobleRistretto255.evaluate(keys.secretKey, inputs),
  };
}

Deno.test("client ristretto255: finalize() agrees with a server's evaluate()", () => {
  for (let round = 0; round < 8; round++) {
    const { request, outputs } = honestBatch(`agreement ${round}`);
    assertEquals(clientRistretto255.finalize(request), outputs);
    assertEquals(nobleRistretto255.finalize(request), outputs);
  }
});

Deno.test("client ristretto255: finalize() refuses what an honest server would not send", () => {
  const { request } = honestBatch("honest");
  const other = honestBatch("other").request;
  const [first, second, third] = request.evaluatedElements as [Uint8Array, Uint8Array, Uint8Array];
  const wrong: Record<string, Partial<FinalizeRequest>> = {
    "another key's proof and evaluations": {
      evaluatedElements: other.evaluatedElements,
      proof: other.proof,
    },
    "another public key": { publicKey: other.publicKey },
    "swapped evaluations": { evaluatedElements: [second, first, third] },
    "an evaluation twice": { evaluatedElements: [first, first, third] },
    "a proof that is cut short": { proof: request.proof.subarray(0, 63) },
    "a proof with a byte behind it": { proof: Uint8Array.of(...request.proof, 0) },
    "a proof of zeros": { proof: new Uint8Array(64) },
    "a proof whose scalar is not canonical": { proof: new Uint8Array(64).fill(0xff) },
    "the identity as an evaluation": { evaluatedElements: [new Uint8Array(32), second, third] },
    "the identity as a public key": { publicKey: new Uint8Array(32) },
    "a missing evaluation": { evaluatedElements: [first, second] },
    "an answer to other elements": { blindedElements: other.blindedElements },
  };
  for (const [fault, elements] of Object.entries(RFC9496_INVALID)) {
    for (const element of elements) {
      wrong[`${fault}: ${element}`] = { evaluatedElements: [bytes(element), second, third] };
    }
  }
  for (const [what, change] of Object.entries(wrong)) {
    assertThrows(() => clientRistretto255.finalize({ ...request, ...change }), VoprfError, undefined, what);
  }
  for (let bit = 0; bit < 512; bit += 9) {
    const proof = request.proof.slice();
    proof[bit >> 3]! ^= 1 << (bit & 7);
    assertThrows(() => clientRistretto255.finalize({ ...request, proof }), VoprfError);
  }
});
