import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../../core/base/bytes.ts";
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
  const order = Uint8Array.fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (
    const [first, fill] of [
      // One, the order less one, one more than it, and what has all bits.
      [Uint8Array.of(1), 0x00],
      [order.with(0, 0xec), 0x00],
      [order.with(0, 0xee), 0x00],
      [new Uint8Array(), 0xff],
    ] as const
  ) {
    const random = (length: number) => {
      const wide = new Uint8Array(length).fill(fill);
      wide.set(first);
      return wide;
    };
    const input = [Uint8Array.of(1, 2, 3)];
    const [noble, ...others] = ristretto255Suites.map(({ suite }) => suite.blind(input, random));
    for (const other of others) assertEquals(other, noble);
  }
});

Deno.test("a source of randomness that gives zeros, or the order, makes no scalar and no endless wait", () => {
  const order = Uint8Array.fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (const { label, suite } of ristretto255Suites.slice(1)) {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    const { blindedElements } = suite.blind([new Uint8Array(1)], seededRandom("blinds"));
    for (const wide of [new Uint8Array(48), concat(order, new Uint8Array(16))]) {
      const random = () => wide.slice();
      assertThrows(() => suite.blind([new Uint8Array(1)], random), Error, "gives zeros", label);
      assertThrows(() => suite.blindEvaluate(keys, blindedElements, random), Error, "gives zeros", label);
    }
  }
});

Deno.test("no secret scalar meets a big integer: a proof and blinds are computed with BigInt out of reach", () => {
  for (const { label, suite } of ristretto255Suites.slice(1)) {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    const inputs = inputsOf(2);
    const real = globalThis.BigInt;
    let calls = 0;
    const counted = (value: string | number | bigint | boolean) => {
      calls++;
      return real(value);
    };
    const [blinds, proof] = [seededRandom("blinds")(96), seededRandom("proof")(48)];
    globalThis.BigInt = Object.assign(counted, real) as unknown as BigIntConstructor;
    try {
      const { blindedElements } = suite.blind(inputs, (length) => blinds.slice(0, length));
      suite.blindEvaluate(keys, blindedElements, (length) => proof.slice(0, length));
      suite.evaluate(keys.secretKey, inputs);
    } finally {
      globalThis.BigInt = real;
    }
    assertEquals(calls, 0, label);
  }
});

Deno.test("kernel, sodium and noble give empty lists for no inputs", () => {
  for (const { suite } of ristretto255Suites) {
    const keys = suite.generateKeyPair(seededRandom("keys"));
    assertEquals(suite.blind([], seededRandom("blinds")), { blinds: [], blindedElements: [] });
    assertEquals(suite.evaluate(keys.secretKey, []), []);
  }
});
