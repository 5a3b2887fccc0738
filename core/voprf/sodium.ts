/**
 * ristretto255-SHA512 on libsodium in WebAssembly: what a server runs where the kernel cannot, or where its operator
 * chose so. libsodium knows no batches: a batch is one call an element.
 *
 * @module
 */
import { isZero } from "../base/bytes.ts";
import { itemAt } from "../base/item_at.ts";
import type { Bytes, Kernel } from "./kernel/kernel.ts";
import { loadRistretto255, type Ristretto255 } from "./libsodium.ts";
import { ristretto255Suite } from "./ristretto255.ts";
import type { Suite } from "./suite.ts";

/** The kernel's functions over a loaded libsodium. */
export function sodiumKernel(group: Ristretto255): Kernel {
  const isCanonical = (element: Uint8Array) => isZero(element) || group.isElement(element);

  /** libsodium refuses the identity as an argument and as a result; which of the two it was, is looked up then. */
  function product(scalar: Uint8Array, element: Uint8Array): Bytes | undefined {
    return group.multiply(scalar, element) ?? (isCanonical(element) ? new Uint8Array(32) : undefined);
  }

  function multiplyEach(
    scalars: readonly Uint8Array[],
    elements: readonly Uint8Array[],
  ): Bytes[] | undefined {
    requireParallel(scalars, elements);
    const products = scalars.map((scalar, index) => product(scalar, itemAt(elements, index)));
    return products.every((element) => element !== undefined) ? products : undefined;
  }

  /** A derived element is canonical, so that it has a product. */
  const mapAndMultiply = (scalar: Uint8Array, uniform: Uint8Array) =>
    product(scalar, group.fromUniform(uniform)) ?? new Uint8Array(32);

  function inverse(scalar: Uint8Array): Bytes {
    const inverted = group.scalarInvert(scalar);
    if (inverted === undefined) throw new RangeError("Cannot compute: zero has no inverse");
    return inverted;
  }

  return {
    multiplyAll: (scalar, elements) => multiplyEach(elements.map(() => scalar), elements),
    multiplyEach,
    multiplyBase: (scalars) => scalars.map((scalar) => group.multiplyBase(scalar) ?? new Uint8Array(32)),
    mapAndMultiplyAll: (scalar, uniforms) => uniforms.map((uniform) => mapAndMultiply(scalar, uniform)),
    mapAndMultiplyEach(scalars, uniforms) {
      requireParallel(scalars, uniforms);
      return scalars.map((scalar, index) => mapAndMultiply(scalar, itemAt(uniforms, index)));
    },
    // One multiplication and one addition each. noble's multi-scalar code loses for small batches, and wins too little
    // for large ones to pay for loading it (docs/measurements.md, "The curve").
    combine: (weights, elements) =>
      multiplyEach(weights, elements)?.reduce(
        (total, term) => group.add(total, term) ?? new Uint8Array(32),
        new Uint8Array(32),
      ),
    areElements: (elements) => elements.map(isCanonical),
    reduceScalar: group.scalarReduce,
    subtractProduct: (a, b, c) => group.scalarSubtract(a, group.scalarMultiply(b, c)),
    invertScalars: (scalars) => scalars.map(inverse),
    isNonzeroScalar: group.isNonzeroScalar,
  };
}

function requireParallel(a: readonly unknown[], b: readonly unknown[]): void {
  if (a.length !== b.length) throw new RangeError(`Cannot compute: ${a.length} are not ${b.length}`);
}

/** Makes the suite over a loaded libsodium, which hashes for it too. */
export function sodiumSuite(group: Ristretto255): Suite {
  return ristretto255Suite("libsodium", sodiumKernel(group), group);
}

/**
 * Loads libsodium and gives the ristretto255 suite on it.
 * @throws {Error} If libsodium cannot load, or runs as plain JavaScript instead of WebAssembly.
 */
export async function loadSodiumSuite(): Promise<Suite> {
  return sodiumSuite(await loadRistretto255());
}
