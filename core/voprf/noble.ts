/**
 * RFC 9497 on `@noble/curves`: the reference implementation, and the one that clients ship.
 *
 * @module
 */
import { itemAt } from "../base/item_at.ts";
import { ristretto255, ristretto255_oprf } from "@noble/curves/ed25519.js";
import type { OPRF } from "@noble/curves/abstract/oprf.js";
import {
  checkBatch,
  checkElementLength,
  checkInputs,
  checkProofLength,
  checkSeed,
  identityElement,
  malformedElement,
  malformedSecretKey,
  proofRefused,
} from "./checks.ts";
import type { RandomSource } from "../base/random.ts";
import { plainHashes } from "../base/hmac.ts";
import type { FinalizeRequest, KeyPair, Suite } from "./suite.ts";
import { type SuiteName, SUITES } from "./suites.ts";

/** What noble has of one cipher suite. */
export interface NobleCurve {
  /** The suite's name. */
  readonly name: SuiteName;
  /** noble's RFC 9497 module. */
  readonly oprf: OPRF;
  /** The group. */
  readonly Point: NoblePoint;
}

/** A curve's points and the field of its scalars; both decoders throw on what is not canonical. */
export interface NoblePoint {
  /** The scalars modulo the group's order. */
  readonly Fn: { fromBytes(scalar: Uint8Array): bigint; isValidNot0(scalar: bigint): boolean };
  /** Decodes a point. */
  fromBytes(element: Uint8Array): { is0(): boolean };
}

/** `evaluate` is there at run time (RFC 9497 section 3.3.2) and only missing in the package's types. */
type Evaluates = { evaluate(secretKey: Uint8Array, input: Uint8Array): Uint8Array };

/** Makes a {@linkcode Suite} of one of noble's RFC 9497 modules. */
export function nobleSuite(curve: NobleCurve): Suite {
  const voprf: OPRF["voprf"] & Partial<Evaluates> = curve.oprf.voprf;
  const facts = SUITES[curve.name];

  function checkElement(element: Uint8Array): void {
    checkElementLength(element, facts.elementLength);
    let identity: boolean;
    try {
      identity = curve.Point.fromBytes(element).is0();
    } catch {
      // A compressed identity does not decode on a NIST curve; it is named for what it is on both.
      throw element.every((byte) => byte === 0) ? identityElement() : malformedElement();
    }
    if (identity) throw identityElement();
  }

  function checkSecretKey(secretKey: Uint8Array): void {
    const { Fn } = curve.Point;
    try {
      if (Fn.isValidNot0(Fn.fromBytes(secretKey))) return;
    } catch {
      // Out of range or of another length: refused below with the same words as zero.
    }
    throw malformedSecretKey();
  }

  function deriveKeyPair(seed: Uint8Array, info: Uint8Array): KeyPair {
    checkSeed(seed, info);
    return voprf.deriveKeyPair(seed, info);
  }

  function finalize(request: FinalizeRequest): Uint8Array[] {
    const { inputs, blinds, blindedElements, evaluatedElements, publicKey, proof } = request;
    checkBatch(inputs, blinds, blindedElements, evaluatedElements);
    checkInputs(inputs);
    checkElement(publicKey);
    evaluatedElements.forEach(checkElement);
    checkProofLength(proof, 2 * facts.scalarLength);
    const items = inputs.map((input, index) => ({
      input,
      blind: itemAt(blinds, index),
      blinded: itemAt(blindedElements, index),
      evaluated: itemAt(evaluatedElements, index),
    }));
    try {
      return voprf.finalizeBatch(items, publicKey, proof);
    } catch {
      throw proofRefused();
    }
  }

  return {
    name: curve.name,
    kernel: "noble",
    ...facts,
    hashes: plainHashes,
    // The order of both groups is so close to a power of two that deriving from 32 fresh random bytes is uniform,
    // and it takes the caller's random source.
    generateKeyPair: (random: RandomSource): KeyPair => deriveKeyPair(random(32), new Uint8Array()),
    deriveKeyPair,
    blind(inputs, random) {
      checkInputs(inputs);
      const blinded = inputs.map((input) => voprf.blind(input, (length = 32) => random(length)));
      return {
        blinds: blinded.map((item) => item.blind),
        blindedElements: blinded.map((item) => item.blinded),
      };
    },
    blindEvaluate(keys, blindedElements, random) {
      checkBatch(blindedElements);
      checkSecretKey(keys.secretKey);
      checkElement(keys.publicKey);
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
    evaluate(secretKey, inputs) {
      checkSecretKey(secretKey);
      checkInputs(inputs);
      const { evaluate } = voprf;
      if (evaluate === undefined) throw new Error("Cannot evaluate: noble has no Evaluate");
      return inputs.map((input) => evaluate(secretKey, input));
    },
    checkElement,
  };
}

/** ristretto255-SHA512 (RFC 9497, section 4.1): the default suite. */
export const nobleRistretto255: Suite = nobleSuite({
  name: "ristretto255-SHA512",
  oprf: ristretto255_oprf,
  Point: ristretto255.Point,
});
