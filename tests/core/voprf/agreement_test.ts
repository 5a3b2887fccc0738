import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import type { KeyPair, Suite } from "../../../core/voprf/suite.ts";
import { allSuites, ristretto255Suites, seededRandom, sodiumRistretto255 } from "./suites.ts";

const inputsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => seededRandom(`input ${index}`)(98));

function issue(suite: Suite, keys: KeyPair, inputs: Uint8Array[]) {
  const blinded = suite.blind(inputs, seededRandom("blinds"));
  return { ...blinded, ...suite.blindEvaluate(keys, blinded.blindedElements, seededRandom("proof")) };
}

for (const { label, suite } of allSuites) {
  Deno.test(`${label}: finalize() gives what evaluate() gives, for a batch of 3`, () => {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    const inputs = inputsOf(3);
    const outputs = suite.finalize({ inputs, publicKey: keys.publicKey, ...issue(suite, keys, inputs) });
    assertEquals(outputs, suite.evaluate(keys.secretKey, inputs));
    assertEquals(outputs.map((output) => output.length), inputs.map(() => suite.outputLength));
  });

  Deno.test(`${label}: two blindings of one input share nothing but the output`, () => {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    const input = inputsOf(1)[0]!;
    const { blinds, blindedElements } = suite.blind([input, input], seededRandom("blinds"));
    assertEquals(new Set(blinds.map((blind) => blind.toHex())).size, 2);
    assertEquals(new Set(blindedElements.map((element) => element.toHex())).size, 2);
    const evaluated = suite.blindEvaluate(keys, blindedElements, seededRandom("proof"));
    const [first, second] = suite.finalize({
      inputs: [input, input],
      blinds,
      blindedElements,
      publicKey: keys.publicKey,
      ...evaluated,
    });
    assertEquals(first, second);
  });
}

Deno.test("sodium and noble have the same sizes and token type", () => {
  const constants = ({ name, tokenType, elementLength, scalarLength, outputLength }: Suite) => ({
    name,
    tokenType,
    elementLength,
    scalarLength,
    outputLength,
  });
  assertEquals(constants(sodiumRistretto255), constants(nobleRistretto255));
});

for (const count of [1, 2, 3, 32]) {
  Deno.test(`sodium and noble give the same bytes at every step of a batch of ${count}`, () => {
    const inputs = inputsOf(count);
    const [noble, sodium] = ristretto255Suites.map(({ suite }) => {
      const keys = suite.generateKeyPair(seededRandom("keys"));
      return { keys, ...issue(suite, keys, inputs), outputs: suite.evaluate(keys.secretKey, inputs) };
    });
    assertEquals(sodium, noble);
  });

  Deno.test(`sodium and noble accept each other's proofs over a batch of ${count}`, () => {
    const inputs = inputsOf(count);
    for (const [prover, verifier] of [[0, 1], [1, 0]] as const) {
      const keys = ristretto255Suites[prover]!.suite.generateKeyPair(seededRandom("other keys"));
      const issued = issue(ristretto255Suites[prover]!.suite, keys, inputs);
      const request = { inputs, publicKey: keys.publicKey, ...issued };
      assertEquals(
        ristretto255Suites[verifier]!.suite.finalize(request),
        ristretto255Suites[prover]!.suite.evaluate(keys.secretKey, inputs),
      );
    }
  });
}

Deno.test("sodium and noble map random inputs, seeds and info to the same keys, blinds and outputs", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 40 }),
      (input, seed, info) => {
        const [noble, sodium] = ristretto255Suites.map(({ suite }) => {
          const keys = suite.deriveKeyPair(seed, info);
          const source = seededRandom(seed.toHex());
          return {
            keys,
            blinded: suite.blind([input], source),
            outputs: suite.evaluate(keys.secretKey, [input]),
          };
        });
        assertEquals(sodium, noble);
      },
    ),
    { seed: 9497, numRuns: 40 },
  );
});

Deno.test("sodium and noble agree on the longest and the empty input", () => {
  const keys = nobleRistretto255.generateKeyPair(seededRandom("keys"));
  const inputs = [new Uint8Array(0xffff).fill(7), new Uint8Array()];
  assertEquals(
    sodiumRistretto255.evaluate(keys.secretKey, inputs),
    nobleRistretto255.evaluate(keys.secretKey, inputs),
  );
});

Deno.test("sodium and noble draw the extreme scalars alike", () => {
  for (const fill of [0x00, 0xff]) {
    const random = (length: number) => new Uint8Array(length).fill(fill);
    const input = [Uint8Array.of(1, 2, 3)];
    assertEquals(sodiumRistretto255.blind(input, random), nobleRistretto255.blind(input, random));
  }
});

Deno.test("sodium and noble give empty lists for no inputs", () => {
  for (const { suite } of ristretto255Suites) {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    assertEquals(suite.blind([], seededRandom("blinds")), { blinds: [], blindedElements: [] });
    assertEquals(suite.evaluate(keys.secretKey, []), []);
  }
});
