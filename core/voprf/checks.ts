/**
 * What both implementations of a {@linkcode Suite} refuse before any arithmetic, in one place so that they refuse
 * alike. No message repeats the bytes.
 *
 * @module
 */
import { VoprfError } from "./suite.ts";

/** The longest input that has a two-byte length (RFC 9497, section 1.2), and the most elements a proof can number. */
const MAX_U16 = 0xffff;

/**
 * Checks that parallel arrays have one length from 1 to 65535.
 * @throws {VoprfError} If they are empty, too long or differ.
 */
export function checkBatch(...arrays: Uint8Array[][]): void {
  const length = arrays[0]?.length ?? 0;
  if (length === 0) throw new VoprfError("Cannot use batch: it is empty");
  if (length > MAX_U16) throw new VoprfError(`Cannot use batch: ${length} elements are over ${MAX_U16}`);
  if (arrays.some((array) => array.length !== length)) {
    throw new VoprfError("Cannot use batch: its parts differ in length");
  }
}

/**
 * Checks that every input has at most 65535 bytes (RFC 9497, section 1.2).
 * @throws {VoprfError} If one is longer.
 */
export function checkInputs(inputs: Uint8Array[]): void {
  for (const { length } of inputs) {
    if (length > MAX_U16) throw new VoprfError(`Cannot use input: length ${length} is over ${MAX_U16}`);
  }
}

/**
 * Checks the arguments of DeriveKeyPair (RFC 9497, section 3.2.1).
 * @throws {VoprfError} If `seed` has not 32 bytes or `info` has more than 65535.
 */
export function checkSeed(seed: Uint8Array, info: Uint8Array): void {
  if (seed.length !== 32) {
    throw new VoprfError(`Cannot derive key pair: seed length ${seed.length} is not 32`);
  }
  if (info.length > MAX_U16) {
    throw new VoprfError(`Cannot derive key pair: info length ${info.length} is over ${MAX_U16}`);
  }
}

/**
 * Checks the length of a serialized element (Ne).
 * @throws {VoprfError} If `element` has not `expected` bytes.
 */
export function checkElementLength(element: Uint8Array, expected: number): void {
  if (element.length !== expected) {
    throw new VoprfError(`Cannot decode element: length ${element.length} is not ${expected}`);
  }
}

/**
 * Checks the length of a serialized proof (2 Ns).
 * @throws {VoprfError} If `proof` has not `expected` bytes.
 */
export function checkProofLength(proof: Uint8Array, expected: number): void {
  if (proof.length !== expected) {
    throw new VoprfError(`Cannot decode proof: length ${proof.length} is not ${expected}`);
  }
}

/** An element that is the identity of the group, which RFC 9497 (section 3.3) forbids on the wire. */
export function identityElement(): VoprfError {
  return new VoprfError("Cannot decode element: it is the identity");
}

/** An element that no group element encodes to. */
export function malformedElement(): VoprfError {
  return new VoprfError("Cannot decode element: it is not a canonical encoding of a group element");
}

/** A secret key that is not the canonical encoding of 1..order-1. */
export function malformedSecretKey(): VoprfError {
  return new VoprfError("Cannot use secret key: it is not a canonical encoding of a nonzero scalar");
}

/** A proof that does not verify. Malformed blinds and blinded elements end here too: they are the caller's own. */
export function proofRefused(): VoprfError {
  return new VoprfError("Cannot accept evaluations: the proof does not verify under this public key");
}
