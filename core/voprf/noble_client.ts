/**
 * The client's half of RFC 9497 (mode 0x01) for ristretto255-SHA512, on noble's group: Blind, the verification of a
 * proof, and Finalize. The server's half and the other modes stay out of what an app ships; that they agree is tested.
 *
 * @module
 */
import { mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, lengthPrefixed, u16, utf8 } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";
import { itemAt } from "../base/item_at.ts";
import { SUITES } from "./suites.ts";
import { type FinalizeRequest, type Suite, VoprfError } from "./suite.ts";

/** The part of a {@linkcode Suite} that a client uses. */
export type ClientSuite = Pick<
  Suite,
  "tokenType" | "elementLength" | "scalarLength" | "blind" | "finalize"
>;

const { Point } = ristretto255;
const { Fn } = Point;
type Element = InstanceType<typeof Point>;

/** contextString (section 3.1). */
const CONTEXT = concat(utf8("OPRFV1-"), Uint8Array.of(1), utf8("-ristretto255-SHA512"));

function hashToScalar(...parts: Uint8Array[]): bigint {
  return ristretto255_hasher.hashToScalar(concat(...parts), { DST: concat(utf8("HashToScalar-"), CONTEXT) });
}

/** RandomScalar (section 2.1): 512 random bits leave a bias below 2^-256. */
function randomScalar(random: RandomSource): bigint {
  for (;;) {
    const scalar = Fn.create(bytesToNumberLE(random(64)));
    if (scalar !== 0n) return scalar;
  }
}

/** DeserializeElement (section 4.1): canonical, and not the identity. What it throws, finalize() catches. */
function decodeElement(bytes: Uint8Array): Element {
  const element = Point.fromBytes(bytes);
  if (element.is0()) throw new VoprfError();
  return element;
}

/** VerifyProof with ComputeComposites (section 2.2.2). Everything here is public, so it need not be constant-time. */
function verifyProof(
  publicKey: Element,
  blinded: Element[],
  evaluated: Element[],
  proof: Uint8Array,
): boolean {
  const encode = (element: Element) => lengthPrefixed(element.toBytes());
  const key = encode(publicKey);
  const seed = lengthPrefixed(
    sha512(concat(key, lengthPrefixed(concat(utf8("Seed-"), CONTEXT)))),
  );
  const weights = blinded.map((element, index) =>
    hashToScalar(seed, u16(index), encode(element), encode(itemAt(evaluated, index)), utf8("Composite"))
  );
  const m = mulAddUnsafe(Point, blinded, weights);
  const z = mulAddUnsafe(Point, evaluated, weights);
  const c = Fn.fromBytes(proof.subarray(0, 32));
  const s = Fn.fromBytes(proof.subarray(32));
  const t2 = mulAddUnsafe(Point, [Point.BASE, publicKey], [s, c]);
  const t3 = mulAddUnsafe(Point, [m, z], [s, c]);
  return Fn.eql(c, hashToScalar(key, encode(m), encode(z), encode(t2), encode(t3), utf8("Challenge")));
}

function blind(inputs: Uint8Array[], random: RandomSource): ReturnType<Suite["blind"]> {
  const scalars = inputs.map(() => randomScalar(random));
  return {
    blinds: scalars.map((scalar) => Fn.toBytes(scalar)),
    blindedElements: inputs.map((input, index) => {
      const element = ristretto255_hasher.hashToCurve(input, { DST: concat(utf8("HashToGroup-"), CONTEXT) });
      if (element.is0()) throw new VoprfError("Cannot blind: identity");
      return element.multiply(itemAt(scalars, index)).toBytes();
    }),
  };
}

function finalize(request: FinalizeRequest): Uint8Array[] {
  try {
    const { inputs, blinds, publicKey, proof } = request;
    const blinded = request.blindedElements.map(decodeElement);
    const evaluated = request.evaluatedElements.map(decodeElement);
    if (verifyProof(decodeElement(publicKey), blinded, evaluated, proof)) {
      return inputs.map((input, index) => {
        const unblinded = itemAt(evaluated, index).multiply(Fn.inv(Fn.fromBytes(itemAt(blinds, index))));
        return sha512(concat(
          lengthPrefixed(input),
          lengthPrefixed(unblinded.toBytes()),
          utf8("Finalize"),
        ));
      });
    }
  } catch {
    // Whatever was malformed, nothing is kept.
  }
  throw new VoprfError("Cannot accept evaluations");
}

/** ristretto255-SHA512 for clients. */
export const clientRistretto255: ClientSuite = {
  ...SUITES["ristretto255-SHA512"],
  blind,
  finalize,
};
