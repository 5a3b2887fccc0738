/**
 * The kernel's functions over noble: slow, and the reference for every one of them.
 *
 * @module
 */
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import type { Bytes, Kernel } from "../../../../core/voprf/kernel/kernel.ts";

const { Point } = ristretto255;
const { Fn } = Point;
type Element = InstanceType<typeof Point>;

const encode = (element: Element): Bytes => new Uint8Array(element.toBytes());
const scalarOf = (bytes: Uint8Array): bigint => Fn.fromBytes(bytes);

/** Element derivation (RFC 9496, section 4.3.4). */
const derive = (uniform: Uint8Array) => ristretto255_hasher.deriveToCurve!(uniform);

function decode(bytes: Uint8Array): Element | undefined {
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

/** All elements, or nothing where one is malformed. */
function decodeAll(elements: readonly Uint8Array[]): Element[] | undefined {
  const decoded = elements.map(decode);
  return decoded.every((element) => element !== undefined) ? decoded : undefined;
}

/** The reference. */
export const nobleKernel: Kernel = {
  multiplyAll: (scalar, elements) =>
    decodeAll(elements)?.map((element) => encode(element.multiplyUnsafe(scalarOf(scalar)))),
  multiplyEach: (scalars, elements) =>
    decodeAll(elements)?.map((element, index) => encode(element.multiplyUnsafe(scalarOf(scalars[index]!)))),
  multiplyBase: (scalars) => scalars.map((scalar) => encode(Point.BASE.multiplyUnsafe(scalarOf(scalar)))),
  mapAndMultiplyAll: (scalar, uniforms) =>
    uniforms.map((uniform) => encode(derive(uniform).multiplyUnsafe(scalarOf(scalar)))),
  mapAndMultiplyEach: (scalars, uniforms) =>
    uniforms.map((uniform, index) => encode(derive(uniform).multiplyUnsafe(scalarOf(scalars[index]!)))),
  combine(weights, elements) {
    const decoded = decodeAll(elements);
    if (decoded === undefined) return undefined;
    return encode(
      decoded.reduce(
        (sum, element, index) => sum.add(element.multiplyUnsafe(scalarOf(weights[index]!))),
        Point.ZERO,
      ),
    );
  },
  areElements: (elements) => elements.map((element) => decode(element) !== undefined),
  reduceScalar: (wide) => new Uint8Array(Fn.toBytes(Fn.create(bytesToNumberLE(wide)))),
  subtractProduct: (a, b, c) =>
    new Uint8Array(Fn.toBytes(Fn.sub(scalarOf(a), Fn.mul(scalarOf(b), scalarOf(c))))),
  invertScalars: (scalars) => scalars.map((scalar) => new Uint8Array(Fn.toBytes(Fn.inv(scalarOf(scalar))))),
  isNonzeroScalar(scalar) {
    try {
      return Fn.isValidNot0(scalarOf(scalar));
    } catch {
      return false;
    }
  },
};
