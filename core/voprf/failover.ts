/**
 * A suite that outlives the instance it computes on: one that failed once is never asked again.
 *
 * @module
 */
import { KernelFault } from "./kernel/kernel.ts";
import type { Suite } from "./suite.ts";

/** A point off the curve, or an instance that trapped: memory or hardware failed, or the code is wrong. */
function isFault(error: unknown): boolean {
  return error instanceof KernelFault || error instanceof WebAssembly.RuntimeError;
}

/**
 * Gives `first`, and after its first fault what `next` loads. The call that met the fault throws it, and so does every
 * one until the other is there, a few milliseconds: nothing that was computed beside the fault leaves.
 */
export function failingOver(
  first: Suite,
  next: () => Promise<Suite>,
  warn: (message: string) => void,
): Suite {
  let current = first;
  let fault: unknown;

  function retire(error: unknown): void {
    if (fault !== undefined) return;
    fault = error;
    warn(
      `${first.name} computed something that cannot be on ${first.kernel}, which serves no more: ` +
        "look for failing memory or hardware",
    );
    next().then((suite) => {
      current = suite;
      fault = undefined;
    }, () => warn(`${first.name} has nothing left to run on: restart the service`));
  }

  function run<T>(compute: (suite: Suite) => T): T {
    if (fault !== undefined) throw fault;
    try {
      return compute(current);
    } catch (error) {
      if (current === first && isFault(error)) retire(error);
      throw error;
    }
  }

  const { name, tokenType, elementLength, scalarLength, outputLength } = first;
  return {
    name,
    tokenType,
    elementLength,
    scalarLength,
    outputLength,
    get kernel() {
      return current.kernel;
    },
    get hashes() {
      return current.hashes;
    },
    generateKeyPair: (random) => run((suite) => suite.generateKeyPair(random)),
    deriveKeyPair: (seed, about) => run((suite) => suite.deriveKeyPair(seed, about)),
    blind: (inputs, random) => run((suite) => suite.blind(inputs, random)),
    blindEvaluate: (keys, elements, random) => run((suite) => suite.blindEvaluate(keys, elements, random)),
    finalize: (request) => run((suite) => suite.finalize(request)),
    evaluate: (secretKey, inputs) => run((suite) => suite.evaluate(secretKey, inputs)),
    checkElement: (element) => run((suite) => suite.checkElement(element)),
  };
}
