/**
 * RFC 9497 on `@noble/curves`: the reference implementation, and the one that clients ship.
 *
 * @module
 */
import { ristretto255_oprf } from "@noble/curves/ed25519.js";
import { p384_oprf } from "@noble/curves/nist.js";
import type { OPRF } from "@noble/curves/abstract/oprf.js";
import {
  type BlindedBatch,
  type EvaluatedBatch,
  type FinalizeRequest,
  type KeyPair,
  type RandomSource,
  type Suite,
  type SuiteName,
  VoprfError,
} from "./suite.ts";
