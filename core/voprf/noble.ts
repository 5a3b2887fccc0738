/**
 * RFC 9497 on `@noble/curves`: the reference implementation, and the one that clients ship.
 *
 * @module
 */
import { ristretto255, ristretto255_oprf } from "@noble/curves/ed25519.js";
import type { OPRF } from "@noble/curves/abstract/oprf.js";
import { type FinalizeRequest, type KeyPair, type RandomSource, type Suite, VoprfError } from "./suite.ts";

/** The constants of one cipher suite, and the curve that goes with them. */
export interface NobleCurve {
  readonly name: Suite["name"];
  readonly tokenType: number;
  readonly elementLength: number;
  readonly scalarLength: number;
  readonly outputLength: number;
  readonly oprf: OPRF;
  /** Decodes an element, throwing when it is not on the curve or not canonical. */
  readonly decode: (element: Uint8Array) => { is0(): boolean };
}

/** `evaluate` is there at run time (RFC 9497 section 3.3.2) and only missing in the package's types. */
type Evaluates = { evaluate(secretKey: Uint8Array, input: Uint8Array): Uint8Array };

/** Makes a {@linkcode Suite} of one of noble's RFC 9497 modules. */
export function nobleSuite(curve: NobleCurve): Suite {
  const { voprf } = curve.oprf;

  function checkElement(element: Uint8Array): void {
    if (element.length !== curve.elementLength) {
      throw new VoprfError(
        `Cannot decode element: length ${element.length} is not ${curve.elementLength}`,
      );
    }
    let identity: boolean;
    try {
      identity = curve.decode(element).is0();
    } catch {
      // A compressed identity does not decode on a NIST curve; it is named for what it is on both.
      if (element.every((byte) => byte === 0)) {
        throw new VoprfError("Cannot decode element: it is the identity");
      }
      throw new VoprfError("Cannot decode element: it is not a canonical encoding of a group element");
    }
    if (identity) throw new VoprfError("Cannot decode element: it is the identity");
  }

  function checkBatch(...arrays: Uint8Array[][]): void {
    const length = arrays[0]!.length;
    if (length === 0) throw new VoprfError("Cannot use batch: it is empty");
    if (arrays.some((array) => array.length !== length)) {
      throw new VoprfError("Cannot use batch: its parts differ in length");
    }
  }

  function finalize(request: FinalizeRequest): Uint8Array[] {
    const { inputs, blinds, blindedElements, evaluatedElements, publicKey, proof } = request;
    checkBatch(inputs, blinds, blindedElements, evaluatedElements);
    checkElement(publicKey);
    evaluatedElements.forEach(checkElement);
    if (proof.length !== 2 * curve.scalarLength) {
      throw new VoprfError(`Cannot decode proof: length ${proof.length} is not ${2 * curve.scalarLength}`);
    }
    const items = inputs.map((input, index) => ({
      input,
      blind: blinds[index]!,
      blinded: blindedElements[index]!,
      evaluated: evaluatedElements[index]!,
    }));
    try {
      return voprf.finalizeBatch(items, publicKey, proof);
    } catch {
      throw new VoprfError("Cannot accept evaluations: the proof does not verify under this public key");
    }
  }

  return {
    name: curve.name,
    tokenType: curve.tokenType,
    elementLength: curve.elementLength,
    scalarLength: curve.scalarLength,
    outputLength: curve.outputLength,
    // The order of both groups is so close to a power of two that deriving from 32 fresh random bytes is uniform,
    // and it takes the caller's random source.
    generateKeyPair: (random: RandomSource): KeyPair => voprf.deriveKeyPair(random(32), new Uint8Array()),
    deriveKeyPair: (seed, info) => voprf.deriveKeyPair(seed, info),
    blind(inputs, random) {
      const blinded = inputs.map((input) => voprf.blind(input, (length = 32) => random(length)));
      return {
        blinds: blinded.map((item) => item.blind),
        blindedElements: blinded.map((item) => item.blinded),
      };
    },
    blindEvaluate(keys, blindedElements, random) {
      checkBatch(blindedElements);
      blindedElements.forEach(checkElement);
      const { evaluated, proof } = voprf.blindEvaluateBatch(
        keys.secretKey,
        keys.publicKey,
        blindedElements,
        (length = 32) => random(length),
      );
      return { evaluatedElements: evaluated, proof };
    },
    finalize,
    evaluate: (secretKey, inputs) =>
      inputs.map((input) => (voprf as unknown as Evaluates).evaluate(secretKey, input)),
    checkElement,
  };
}

/** ristretto255-SHA512 (RFC 9497, section 4.1): the default suite. */
export const nobleRistretto255: Suite = nobleSuite({
  name: "ristretto255-SHA512",
  tokenType: 0x0005,
  elementLength: 32,
  scalarLength: 32,
  outputLength: 64,
  oprf: ristretto255_oprf,
  decode: (element) => ristretto255.Point.fromBytes(element),
});
