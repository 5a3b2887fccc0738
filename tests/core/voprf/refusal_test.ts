import { assert, assertEquals, assertThrows } from "@std/assert";
import { type FinalizeRequest, type KeyPair, type Suite, VoprfError } from "../../../core/voprf/suite.ts";
import { P384_INVALID, RFC9496_INVALID } from "./malformed.ts";
import { allSuites, ristretto255Suites, seededRandom } from "./suites.ts";

const MALFORMED = "Cannot decode element: it is not a canonical encoding of a group element";
const IDENTITY = "Cannot decode element: it is the identity";
const UNPROVEN = "Cannot accept evaluations: the proof does not verify under this public key";
const SECRET_KEY = "Cannot use secret key: it is not a canonical encoding of a nonzero scalar";

/** Asserts a typed refusal with exactly this message. */
function assertRefused(refused: () => unknown, message: string): void {
  assertEquals(assertThrows(refused, VoprfError).message, message);
}

/** A source that must not be asked: what is refused draws no randomness first. */
const noRandom = () => {
  throw new Error("randomness was drawn before the refusal");
};

function honest(suite: Suite): { keys: KeyPair; request: FinalizeRequest } {
  const keys = suite.generateKeyPair(seededRandom("keys"));
  const inputs = ["first", "second", "third"].map((text) => new TextEncoder().encode(text));
  const blinded = suite.blind(inputs, seededRandom("blinds"));
  const evaluated = suite.blindEvaluate(keys, blinded.blindedElements, seededRandom("proof"));
  return { keys, request: { inputs, ...blinded, ...evaluated, publicKey: keys.publicKey } };
}

/** The order of the group as a scalar: the smallest encoding that is not canonical. */
const ORDERS: Record<Suite["name"], string> = {
  "ristretto255-SHA512": "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
  "P384-SHA384":
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
};

for (const { label, suite } of allSuites) {
  const { keys, request } = honest(suite);
  const identity = new Uint8Array(suite.elementLength);
  const order = Uint8Array.fromHex(ORDERS[suite.name]);
  const faults = suite.name === "P384-SHA384" ? P384_INVALID : RFC9496_INVALID;

  for (const [fault, encodings] of Object.entries(faults)) {
    Deno.test(`${label}: refuses ${fault} wherever an element enters`, () => {
      for (const encoding of encodings) {
        const element = Uint8Array.fromHex(encoding);
        assertRefused(() => suite.checkElement(element), MALFORMED);
        const [first, second] = request.blindedElements;
        assertRefused(() => suite.blindEvaluate(keys, [first!, element, second!], noRandom), MALFORMED);
        assertRefused(
          () => suite.blindEvaluate({ ...keys, publicKey: element }, [first!], noRandom),
          MALFORMED,
        );
        const evaluatedElements = request.evaluatedElements.with(2, element);
        assertRefused(() => suite.finalize({ ...request, evaluatedElements }), MALFORMED);
        assertRefused(() => suite.finalize({ ...request, publicKey: element }), MALFORMED);
        const blindedElements = request.blindedElements.with(0, element);
        assertRefused(() => suite.finalize({ ...request, blindedElements }), UNPROVEN);
      }
    });
  }

  Deno.test(`${label}: refuses the identity wherever an element enters`, () => {
    assertRefused(() => suite.checkElement(identity), IDENTITY);
    assertRefused(
      () => suite.blindEvaluate(keys, [request.blindedElements[0]!, identity], noRandom),
      IDENTITY,
    );
    assertRefused(
      () => suite.blindEvaluate({ ...keys, publicKey: identity }, request.blindedElements, noRandom),
      IDENTITY,
    );
    const evaluatedElements = request.evaluatedElements.with(1, identity);
    assertRefused(() => suite.finalize({ ...request, evaluatedElements }), IDENTITY);
    assertRefused(() => suite.finalize({ ...request, publicKey: identity }), IDENTITY);
    const blindedElements = request.blindedElements.with(1, identity);
    assertRefused(() => suite.finalize({ ...request, blindedElements }), UNPROVEN);
  });

  Deno.test(`${label}: refuses elements of another length and names it`, () => {
    const expected = suite.elementLength;
    for (const length of [0, 1, expected - 1, expected + 1, 2 * expected, 97]) {
      const element = new Uint8Array(length).fill(2);
      const message = `Cannot decode element: length ${length} is not ${expected}`;
      assertRefused(() => suite.checkElement(element), message);
      assertRefused(() => suite.blindEvaluate(keys, [element], noRandom), message);
      assertRefused(() => suite.finalize({ ...request, publicKey: element }), message);
      const blindedElements = request.blindedElements.with(0, element);
      assertRefused(() => suite.finalize({ ...request, blindedElements }), UNPROVEN);
    }
  });

  Deno.test(`${label}: blindEvaluate() names the first fault of a batch that has several`, () => {
    const malformed = Uint8Array.fromHex(Object.values(faults)[0]![0]!);
    assertRefused(
      () => suite.blindEvaluate(keys, [malformed, identity, new Uint8Array(3)], noRandom),
      MALFORMED,
    );
    assertRefused(() => suite.blindEvaluate(keys, [identity, malformed], noRandom), IDENTITY);
  });

  Deno.test(`${label}: refuses a secret key that is zero, not canonical or of another length`, () => {
    const scalars = [
      new Uint8Array(suite.scalarLength),
      order,
      new Uint8Array(suite.scalarLength).fill(0xff),
      new Uint8Array(suite.scalarLength - 1).fill(1),
      new Uint8Array(suite.scalarLength + 1).fill(1),
      new Uint8Array(),
    ];
    for (const secretKey of scalars) {
      assertRefused(() => suite.evaluate(secretKey, request.inputs), SECRET_KEY);
      assertRefused(
        () => suite.blindEvaluate({ ...keys, secretKey }, request.blindedElements, noRandom),
        SECRET_KEY,
      );
    }
  });

  Deno.test(`${label}: refuses empty batches and batches whose parts differ in length`, () => {
    assertRefused(() => suite.blindEvaluate(keys, [], noRandom), "Cannot use batch: it is empty");
    const none = { inputs: [], blinds: [], blindedElements: [], evaluatedElements: [] };
    assertRefused(() => suite.finalize({ ...request, ...none }), "Cannot use batch: it is empty");
    for (const part of ["inputs", "blinds", "blindedElements", "evaluatedElements"] as const) {
      assertRefused(
        () => suite.finalize({ ...request, [part]: request[part].slice(1) }),
        "Cannot use batch: its parts differ in length",
      );
    }
  });

  Deno.test(`${label}: refuses a batch that a proof cannot number`, () => {
    const many = Array.from({ length: 0x10000 }, () => request.blindedElements[0]!);
    assertRefused(
      () => suite.blindEvaluate(keys, many, noRandom),
      "Cannot use batch: 65536 elements are over 65535",
    );
  });

  Deno.test(`${label}: refuses an input of more than 65535 bytes`, () => {
    const long = new Uint8Array(0x10000);
    const message = "Cannot use input: length 65536 is over 65535";
    assertRefused(() => suite.blind([request.inputs[0]!, long], noRandom), message);
    assertRefused(() => suite.evaluate(keys.secretKey, [long]), message);
    assertRefused(() => suite.finalize({ ...request, inputs: request.inputs.with(1, long) }), message);
  });

  Deno.test(`${label}: deriveKeyPair() refuses a seed or an info of a wrong length`, () => {
    assertRefused(
      () => suite.deriveKeyPair(new Uint8Array(31), new Uint8Array()),
      "Cannot derive key pair: seed length 31 is not 32",
    );
    assertRefused(
      () => suite.deriveKeyPair(new Uint8Array(32), new Uint8Array(0x10000)),
      "Cannot derive key pair: info length 65536 is over 65535",
    );
  });

  Deno.test(`${label}: finalize() refuses a proof of another length`, () => {
    const expected = 2 * suite.scalarLength;
    for (const length of [0, expected - 1, expected + 1]) {
      assertRefused(
        () => suite.finalize({ ...request, proof: new Uint8Array(length) }),
        `Cannot decode proof: length ${length} is not ${expected}`,
      );
    }
  });

  Deno.test(`${label}: finalize() refuses any change to what was proven`, () => {
    const other = suite.generateKeyPair(seededRandom("other keys"));
    const [c, s] = [request.proof.slice(0, suite.scalarLength), request.proof.slice(suite.scalarLength)];
    const zero = new Uint8Array(suite.scalarLength);
    const proofOf = (...scalars: Uint8Array[]) => Uint8Array.from(scalars.flatMap((scalar) => [...scalar]));
    const foreign = suite.blindEvaluate(other, request.blindedElements, seededRandom("proof"));
    const part = suite.blindEvaluate(keys, request.blindedElements.slice(0, 2), seededRandom("proof"));
    const [first, second, third] = request.evaluatedElements;
    const changes: Record<string, Partial<FinalizeRequest>> = {
      "another public key": { publicKey: other.publicKey },
      "another key's evaluations with its proof": foreign,
      "another key's proof": { proof: foreign.proof },
      "the proof of a part of the batch": { proof: part.proof },
      "one evaluation by another key": { evaluatedElements: [first!, foreign.evaluatedElements[1]!, third!] },
      "evaluations in another order": { evaluatedElements: [second!, first!, third!] },
      "the whole batch in another order but for the blinds": {
        blindedElements: request.blindedElements.toReversed(),
        evaluatedElements: request.evaluatedElements.toReversed(),
      },
      "the scalars of the proof in another order": { proof: proofOf(s, c) },
      "a challenge of zero": { proof: proofOf(zero, s) },
      "a response of zero": { proof: proofOf(c, zero) },
      "a proof of zeros": { proof: proofOf(zero, zero) },
      "a challenge that is not canonical": { proof: proofOf(order, s) },
      "a response that is not canonical": { proof: proofOf(c, order) },
      "a blind of zero": { blinds: request.blinds.with(1, zero) },
      "a blind that is not canonical": { blinds: request.blinds.with(1, order) },
      "a blind of another length": { blinds: request.blinds.with(1, zero.subarray(1)) },
    };
    assertEquals(suite.finalize(request), suite.evaluate(keys.secretKey, request.inputs));
    for (const [change, replaced] of Object.entries(changes)) {
      const refused = () => suite.finalize({ ...request, ...replaced });
      assertEquals(assertThrows(refused, VoprfError, undefined, change).message, UNPROVEN, change);
    }
  });

  Deno.test(`${label}: finalize() refuses a proof with any one bit changed in its ends`, () => {
    for (const byte of [0, suite.scalarLength - 1, suite.scalarLength, 2 * suite.scalarLength - 1]) {
      for (const bit of [0, 3, 7]) {
        const proof = request.proof.slice();
        proof[byte]! ^= 1 << bit;
        assertRefused(() => suite.finalize({ ...request, proof }), UNPROVEN);
      }
    }
  });
}

Deno.test("the list of invalid encodings has no element in it that the identity check would catch", () => {
  for (const element of Object.values(RFC9496_INVALID).flat()) assert(/[1-9a-f]/.test(element));
});

Deno.test("a ristretto255 suite gives no product for an element that it refuses", () => {
  for (const { suite } of ristretto255Suites) {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    const scalar = Uint8Array.fromHex("01".padEnd(64, "0"));
    const negative = Uint8Array.fromHex(RFC9496_INVALID["a negative xy"]![0]!);
    assertRefused(() => suite.blindEvaluate({ ...keys, secretKey: scalar }, [negative], noRandom), MALFORMED);
  }
});
