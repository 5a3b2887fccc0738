import type { RandomSource } from "../../core/base/random.ts";
import type { Suite } from "../../core/voprf/suite.ts";
import { CHECK_INPUT, CHECK_KEY, type Contender, inputsOf } from "./serve.ts";

const random: RandomSource = (length) => crypto.getRandomValues(new Uint8Array(length));

/** The operations of one of this project's suites, and any of its own besides. */
export function ofSuite(suite: Suite, besides: Contender["operations"] = {}): Contender {
  const keys = suite.generateKeyPair(random);
  return {
    check: () => suite.evaluate(CHECK_KEY(suite.scalarLength), [CHECK_INPUT])[0]!.toHex(),
    operations: {
      blind: (batch) => {
        const inputs = inputsOf(batch);
        return () => suite.blind(inputs, random);
      },
      issue: (batch) => {
        const { blindedElements } = suite.blind(inputsOf(batch), random);
        return () => suite.blindEvaluate(keys, blindedElements, random);
      },
      finalize: (batch) => {
        const inputs = inputsOf(batch);
        const blinded = suite.blind(inputs, random);
        const evaluated = suite.blindEvaluate(keys, blinded.blindedElements, random);
        return () => suite.finalize({ inputs, ...blinded, ...evaluated, publicKey: keys.publicKey });
      },
      redeem: (batch) => {
        const inputs = inputsOf(batch);
        return () => suite.evaluate(keys.secretKey, inputs);
      },
      ...besides,
    },
  };
}

/** A message as long as the ones that a redemption hashes. */
export const SHA512_MESSAGE = new Uint8Array(290).fill(0x61);
