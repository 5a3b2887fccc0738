/**
 * The one interface behind which the VOPRF arithmetic lives (RFC 9497, mode 0x01).
 *
 * It is batch-shaped: arrays of elements go in and arrays come out, since fast kernels work on many points at once.
 * Every element and scalar is in its serialized form (RFC 9497, section 4), so that two implementations can be
 * compared byte by byte.
 *
 * @module
 */
import type { Hashes } from "../base/hmac.ts";
import type { RandomSource } from "../base/random.ts";
import type { SuiteFacts, SuiteName } from "./suites.ts";

/** A server's key pair: `secretKey` has Ns bytes, `publicKey` Ne bytes. */
export interface KeyPair {
  /** The scalar k, Ns bytes: never leaves the server. */
  readonly secretKey: Uint8Array;
  /** The element kG, Ne bytes. */
  readonly publicKey: Uint8Array;
}

/** What a client keeps (`blinds`, Ns bytes each) and sends (`blindedElements`, Ne bytes each). */
export interface BlindedBatch {
  /** Kept: one scalar an input. */
  readonly blinds: Uint8Array[];
  /** Sent: one element an input. */
  readonly blindedElements: Uint8Array[];
}

/** What the server answers: Ne bytes an element, and one DLEQ proof `c | s` of 2 Ns bytes for the whole batch. */
export interface EvaluatedBatch {
  /** One element an element of the request, in its order. */
  readonly evaluatedElements: Uint8Array[];
  /** `c | s`. */
  readonly proof: Uint8Array;
}

/** Everything a client needs to verify a batch and to unblind it. Arrays are parallel. */
export interface FinalizeRequest {
  /** What was blinded, at most 65535 bytes each. */
  readonly inputs: Uint8Array[];
  /** What blind() kept. */
  readonly blinds: Uint8Array[];
  /** What was sent. */
  readonly blindedElements: Uint8Array[];
  /** What came back. */
  readonly evaluatedElements: Uint8Array[];
  /** The server's public key, from the directory and not from the answer. */
  readonly publicKey: Uint8Array;
  /** The proof that came back. */
  readonly proof: Uint8Array;
}

/** What computes a suite: this project's own WebAssembly, libsodium's, or noble's plain JavaScript. */
export type KernelName = "wasm" | "libsodium" | "noble";

/** What was wrong with an element, a scalar or a proof. The message never repeats the bytes. */
export class VoprfError extends Error {
  /** Tells it from other errors across realms. */
  override readonly name = "VoprfError";
}

/** A VOPRF cipher suite in verifiable mode (RFC 9497, section 3.3.2). */
export interface Suite extends SuiteFacts {
  /** As RFC 9497 spells it. */
  readonly name: SuiteName;
  /** What computes it. */
  readonly kernel: KernelName;
  /** The hashes of the library that computes the suite: servers verify the MACs of logs with them. */
  readonly hashes: Hashes;

  /** GenerateKeyPair (section 3.2): a secret uniform in 1..order-1. */
  generateKeyPair(random: RandomSource): KeyPair;
  /**
   * DeriveKeyPair (section 3.2.1). `seed` has 32 bytes, `info` at most 65535.
   * @throws {VoprfError} If either has another length.
   */
  deriveKeyPair(seed: Uint8Array, info: Uint8Array): KeyPair;
  /**
   * Blind (section 3.3.1), one fresh blind an input.
   * @throws {VoprfError} If an input has more than 65535 bytes.
   */
  blind(inputs: Uint8Array[], random: RandomSource): BlindedBatch;
  /**
   * BlindEvaluate (section 3.3.2) with one proof over the whole batch (section 2.2.1).
   * @throws {VoprfError} If an element has the wrong length, is not canonical, or is the identity; if the batch is
   * empty; if a key of the pair is malformed.
   */
  blindEvaluate(keys: KeyPair, blindedElements: Uint8Array[], random: RandomSource): EvaluatedBatch;
  /**
   * Finalize (section 3.3.2): verifies the proof, then unblinds. Outputs have Nh bytes.
   * @throws {VoprfError} If the proof does not verify or anything is malformed; then nothing is to be kept.
   */
  finalize(request: FinalizeRequest): Uint8Array[];
  /**
   * Evaluate (section 3.3.2), for the holder of the secret key. Outputs have Nh bytes.
   * @throws {VoprfError} If the secret key is malformed or an input has more than 65535 bytes.
   */
  evaluate(secretKey: Uint8Array, inputs: Uint8Array[]): Uint8Array[];
  /**
   * Decodes an element strictly and throws its fault.
   * @throws {VoprfError} If it has the wrong length, is not canonical, or is the identity.
   */
  checkElement(element: Uint8Array): void;
}
