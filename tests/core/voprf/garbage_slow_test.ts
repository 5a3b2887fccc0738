import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import { type FinalizeRequest, type KeyPair, type Suite, VoprfError } from "../../../core/voprf/suite.ts";
import { P384_INVALID, RFC9496_INVALID } from "./malformed.ts";
import { ristretto255Suites, seededRandom } from "./suites.ts";

/** What an operation came to: its result, or the message of a typed refusal. Any other error fails the test. */
function outcome(operation: () => unknown): { result: unknown } | { refusal: string } {
  try {
    return { result: operation() };
  } catch (error) {
    if (error instanceof VoprfError) return { refusal: error.message };
    throw error;
  }
}

function honest(suite: Suite): { keys: KeyPair; request: FinalizeRequest } {
  const keys = suite.generateKeyPair(seededRandom("keys"));
  const inputs = ["first", "second"].map((text) => new TextEncoder().encode(text));
  const blinded = suite.blind(inputs, seededRandom("blinds"));
  const evaluated = suite.blindEvaluate(keys, blinded.blindedElements, seededRandom("proof"));
  return { keys, request: { inputs, ...blinded, ...evaluated, publicKey: keys.publicKey } };
}

/** Bytes of any length, of the right length, small numbers, and valid encodings with one bit changed. */
function garbage(length: number, valid: Uint8Array[], invalid: string[] = []): fc.Arbitrary<Uint8Array> {
  const flipped = fc.tuple(fc.constantFrom(...valid), fc.nat({ max: 8 * length - 1 })).map(([bytes, bit]) => {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    return changed;
  });
  const small = fc.tuple(fc.nat({ max: 255 }), fc.constantFrom(0, length - 1)).map(([value, index]) => {
    const bytes = new Uint8Array(length);
    bytes[index] = value;
    return bytes;
  });
  const known = invalid.map((hex) => Uint8Array.fromHex(hex));
  return fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.uint8Array({ minLength: length, maxLength: length }),
    small,
    flipped,
    fc.constantFrom(...valid, ...known),
  );
}

/** Every operation that takes bytes of a stranger, with one thing replaced. */
function operations(
  suite: Suite,
  keys: KeyPair,
  request: FinalizeRequest,
  element: Uint8Array,
  scalar: Uint8Array,
) {
  const proof = new Uint8Array(2 * suite.scalarLength);
  proof.set(request.proof);
  proof.set(scalar.subarray(0, suite.scalarLength), 0);
  return [
    () => suite.checkElement(element),
    () => suite.blindEvaluate(keys, [request.blindedElements[0]!, element], seededRandom("proof")),
    () =>
      suite.blindEvaluate({ ...keys, publicKey: element }, request.blindedElements, seededRandom("proof")),
    () => suite.finalize({ ...request, evaluatedElements: request.evaluatedElements.with(1, element) }),
    () => suite.finalize({ ...request, blindedElements: request.blindedElements.with(1, element) }),
    () => suite.finalize({ ...request, publicKey: element }),
    () => suite.finalize({ ...request, proof }),
    () => suite.finalize({ ...request, proof: scalar }),
    () => suite.finalize({ ...request, blinds: request.blinds.with(0, scalar) }),
    () => suite.evaluate(scalar, request.inputs),
  ];
}

Deno.test("noble P-384: random elements and scalars meet a result or a VoprfError, never another error", () => {
  const { keys, request } = honest(nobleP384);
  const { elementLength, scalarLength } = nobleP384;
  const invalid = Object.values(P384_INVALID).flat();
  fc.assert(
    fc.property(
      garbage(elementLength, [...request.blindedElements, keys.publicKey], invalid),
      garbage(scalarLength, [keys.secretKey, ...request.blinds]),
      (element, scalar) => {
        for (const operation of operations(nobleP384, keys, request, element, scalar)) outcome(operation);
      },
    ),
    { seed: 9497, numRuns: 6 },
  );
});

Deno.test("kernel, sodium and noble answer random elements and scalars alike, and only with a VoprfError", () => {
  const [noble, ...others] = ristretto255Suites.map(({ suite }) => suite);
  const { keys, request } = honest(noble!);
  const invalid = Object.values(RFC9496_INVALID).flat();
  fc.assert(
    fc.property(
      garbage(32, [...request.blindedElements, keys.publicKey], invalid),
      garbage(32, [keys.secretKey, ...request.blinds]),
      (element, scalar) => {
        const expected = operations(noble!, keys, request, element, scalar).map(outcome);
        for (const suite of others) {
          assertEquals(operations(suite, keys, request, element, scalar).map(outcome), expected);
        }
      },
    ),
    { seed: 9496, numRuns: 40 },
  );
});

Deno.test("kernel, sodium and noble draw the same line between elements and other bytes", () => {
  const [noble, ...others] = ristretto255Suites.map(({ suite }) => suite);
  let accepted = 0;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      // Even and below 2^255: half of the ways to be malformed are out, so that about a quarter of the rest decodes.
      const element = bytes.with(0, bytes[0]! & 0xfe).with(31, bytes[31]! & 0x7f);
      const answer = outcome(() => noble!.checkElement(element));
      for (const suite of others) assertEquals(outcome(() => suite.checkElement(element)), answer);
      if ("result" in answer) accepted++;
    }),
    { seed: 255, numRuns: 1000 },
  );
  assert(accepted > 100, `only ${accepted} of 1000 were elements: the test draws too few of them`);
});
