import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import type { KeyPair, Suite } from "../../../core/voprf/suite.ts";
import { allSuites, ristretto255Suites, seededRandom } from "./suites.ts";

const inputsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => seededRandom(`input ${index}`)(98));

function issue(suite: Suite, keys: KeyPair, inputs: Uint8Array[]) {
  const blinded = suite.blind(inputs, seededRandom("blinds"));
  return { ...blinded, ...suite.blindEvaluate(keys, blinded.blindedElements, seededRandom("proof")) };
}

/** All ordered pairs of unlike members. */
const pairs = <T>(all: readonly T[]) =>
  all.flatMap((one) => all.filter((other) => other !== one).map((other) => [one, other] as const));

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

Deno.test("kernel, sodium and noble have the same sizes and token type", () => {
  const [noble, ...others] = ristretto255Suites.map(
    ({ suite: { name, tokenType, elementLength, scalarLength, outputLength } }) => ({
      name,
      tokenType,
      elementLength,
      scalarLength,
      outputLength,
    }),
  );
  for (const other of others) assertEquals(other, noble);
});

for (const count of [1, 2, 3, 32, 65]) {
  Deno.test(`kernel, sodium and noble give the same bytes at every step of a batch of ${count}`, () => {
    const inputs = inputsOf(count);
    const [noble, ...others] = ristretto255Suites.map(({ suite }) => {
      const keys = suite.generateKeyPair(seededRandom("keys"));
      return { keys, ...issue(suite, keys, inputs), outputs: suite.evaluate(keys.secretKey, inputs) };
    });
    for (const other of others) assertEquals(other, noble);
  });

  Deno.test(`kernel, sodium and noble accept each other's proofs over a batch of ${count}`, () => {
    const inputs = inputsOf(count);
    for (const [prover, verifier] of pairs(ristretto255Suites.map(({ suite }) => suite))) {
      const keys = prover.generateKeyPair(seededRandom("other keys"));
      const issued = issue(prover, keys, inputs);
      const request = { inputs, publicKey: keys.publicKey, ...issued };
      assertEquals(verifier.finalize(request), prover.evaluate(keys.secretKey, inputs));
    }
  });
}

Deno.test("kernel, sodium and noble map random inputs, seeds and info to the same keys, blinds and outputs", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 40 }),
      (input, seed, info) => {
        const [noble, ...others] = ristretto255Suites.map(({ suite }) => {
          const keys = suite.deriveKeyPair(seed, info);
          const source = seededRandom(seed.toHex());
          return {
            keys,
            blinded: suite.blind([input], source),
            outputs: suite.evaluate(keys.secretKey, [input]),
          };
        });
        for (const other of others) assertEquals(other, noble);
      },
    ),
    { seed: 9497, numRuns: 40 },
  );
});

Deno.test("kernel, sodium and noble agree on the longest and the empty input", () => {
  const keys = nobleRistretto255.generateKeyPair(seededRandom("keys"));
  const inputs = [new Uint8Array(0xffff).fill(7), new Uint8Array()];
  const [noble, ...others] = ristretto255Suites.map(({ suite }) => suite.evaluate(keys.secretKey, inputs));
  for (const other of others) assertEquals(other, noble);
});

Deno.test("kernel, sodium and noble draw the extreme scalars alike", () => {
  for (const fill of [0x00, 0xff]) {
    const random = (length: number) => new Uint8Array(length).fill(fill);
    const input = [Uint8Array.of(1, 2, 3)];
    const [noble, ...others] = ristretto255Suites.map(({ suite }) => suite.blind(input, random));
    for (const other of others) assertEquals(other, noble);
  }
});

Deno.test("kernel, sodium and noble give empty lists for no inputs", () => {
  for (const { suite } of ristretto255Suites) {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    assertEquals(suite.blind([], seededRandom("blinds")), { blinds: [], blindedElements: [] });
    assertEquals(suite.evaluate(keys.secretKey, []), []);
  }
});
