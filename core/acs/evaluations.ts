/**
 * Evaluations of tokens, gathered over requests: those that arrive within one turn of the event loop are computed
 * together, since a kernel works on two points at once and a batch has one inversion.
 *
 * @module
 */
import type { Suite } from "../voprf/suite.ts";

/** The key of an application's tokens, as far as it evaluates. One object a key: evaluations are gathered by it. */
export interface EvaluatingKey {
  readonly secretKey: Uint8Array;
  readonly voprf: Pick<Suite, "evaluate">;
}

interface Waiting {
  readonly input: Uint8Array;
  readonly resolve: (output: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** The most that are computed without a pause for others: about two milliseconds. */
const LARGEST_BATCH = 64;

/** Gathers evaluations by key. */
export class Evaluations {
  readonly #waiting = new Map<EvaluatingKey, Waiting[]>();
  #scheduled = false;

  /** The output of one input, Nh bytes, with that of whatever else waits for this key. Rejects with what the suite throws. */
  evaluate(key: EvaluatingKey, input: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key) ?? [];
      waiting.push({ input, resolve, reject });
      this.#waiting.set(key, waiting);
      if (waiting.length === LARGEST_BATCH) return this.#flush(key, waiting);
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flushAll());
    });
  }

  #flushAll(): void {
    this.#scheduled = false;
    for (const [key, waiting] of [...this.#waiting]) this.#flush(key, waiting);
  }

  #flush(key: EvaluatingKey, waiting: readonly Waiting[]): void {
    this.#waiting.delete(key);
    settle(key, waiting);
  }
}

/** Computes a batch; where that fails, each by itself, so that none fails for another's sake. */
function settle(key: EvaluatingKey, batch: readonly Waiting[]): void {
  let outputs: Uint8Array[];
  try {
    outputs = key.voprf.evaluate(key.secretKey, batch.map(({ input }) => input));
  } catch (error) {
    const [only, ...others] = batch;
    if (others.length === 0) only?.reject(error);
    else for (const one of batch) settle(key, [one]);
    return;
  }
  for (const [index, { resolve, reject }] of batch.entries()) {
    const output = outputs[index];
    if (output === undefined) reject(new Error("Cannot evaluate: an output is missing"));
    else resolve(output);
  }
}
