/**
 * What every suite has to compute before it serves: a vector of RFC 9497 for each, in batches, so that all lanes of a
 * kernel are asked.
 *
 * @module
 */
import type { RandomSource } from "../base/random.ts";
import type { KernelName, Suite } from "./suite.ts";
import type { SuiteName } from "./suites.ts";

/** Hexadecimal; one member of a batch an item. */
interface KnownAnswer {
  readonly secretKey: string;
  readonly publicKey: string;
  readonly inputs: readonly string[];
  readonly blindedElements: readonly string[];
  readonly evaluatedElements: readonly string[];
  /** The scalar that the proof is made with. */
  readonly r: string;
  readonly proof: string;
  readonly outputs: readonly string[];
}

const KNOWN: Partial<Readonly<Record<SuiteName, KnownAnswer>>> = {
  // Appendix A.1.2.3.
  "ristretto255-SHA512": {
    secretKey: "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909",
    publicKey: "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e",
    inputs: ["00", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"],
    blindedElements: [
      "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
      "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
    ],
    evaluatedElements: [
      "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
      "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
    ],
    r: "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
    proof:
      "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
    outputs: [
      "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
      "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
    ],
  },
};

/** A source from which a suite draws this scalar: noble takes a wide number modulo (order - 1), plus one; others modulo the order. */
function sourceOf(scalar: Uint8Array, kernel: KernelName): RandomSource {
  return (length) => {
    const wide = new Uint8Array(length);
    wide.set(scalar);
    // None of the scalars here begins with a zero byte, so that nothing is borrowed.
    if (kernel === "noble") wide[0] = (wide[0] ?? 0) - 1;
    return wide;
  };
}

/**
 * Computes them on the very instance that will serve.
 * @throws {Error} If one comes out differently.
 */
export function assertKnownAnswers(suite: Suite): void {
  const known = KNOWN[suite.name];
  if (known === undefined) return;
  const bytes = (hex: string) => Uint8Array.fromHex(hex);
  const secretKey = bytes(known.secretKey);
  const keys = { secretKey, publicKey: bytes(known.publicKey) };
  const blinded = known.blindedElements.map(bytes);
  const { evaluatedElements, proof } = suite.blindEvaluate(
    keys,
    blinded,
    sourceOf(bytes(known.r), suite.kernel),
  );
  const outputs = suite.evaluate(secretKey, [...known.inputs, ...known.inputs.slice(0, 1)].map(bytes));
  const computed = [...evaluatedElements, proof, ...outputs].map((result) => result.toHex());
  const expected = [...known.evaluatedElements, known.proof, ...known.outputs, ...known.outputs.slice(0, 1)];
  if (computed.join() !== expected.join()) {
    throw new Error("Cannot use it: it computes the vectors of RFC 9497 differently");
  }
}
