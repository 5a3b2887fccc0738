/**
 * What the WebAssembly kernel for ristretto255 (RFC 9496) computes: products of scalars and elements, many at once.
 *
 * Elements and scalars are byte strings of 32 bytes, uniform strings have 64. Two points are computed side by side, so
 * one costs what two cost, and a batch has one inversion: calls with many points are worth gathering. Every function is
 * in constant time in scalars and in points that a scalar leads to, but not in how many there are, in whether an
 * argument is well-formed, and in the weights of {@linkcode Kernel.combine}.
 *
 * A scalar that is not canonical, a length that is wrong or two arrays of unlike lengths are mistakes of the caller: a
 * `RangeError`. An empty array gives an empty array.
 *
 * @module
 */

/** Bytes that are the caller's own. */
export type Bytes = Uint8Array<ArrayBuffer>;

/**
 * A computed point was not on the curve, so hardware or memory failed: nothing of the batch left the kernel. The
 * instance is not to be used again.
 */
export class KernelFault extends Error {
  /** Tells it from other errors across realms. */
  override readonly name = "KernelFault";
}

/** An instance of the kernel. It has one memory and no state that a caller sees: calls do not overlap. */
export interface Kernel {
  /**
   * `scalar * element` of every element.
   * @returns The products in order, the identity as 32 zero bytes; or `undefined` if an element is no canonical
   * encoding (RFC 9496, section 4.3.1), and {@linkcode Kernel.areElements} tells which. The identity is one.
   * @throws {KernelFault} If a result is not on the curve.
   */
  multiplyAll(scalar: Uint8Array, elements: readonly Uint8Array[]): Bytes[] | undefined;
  /** The same with a scalar each: `scalars[i] * elements[i]`. */
  multiplyEach(scalars: readonly Uint8Array[], elements: readonly Uint8Array[]): Bytes[] | undefined;
  /** `scalar * generator` of every scalar. */
  multiplyBase(scalars: readonly Uint8Array[]): Bytes[];
  /** `scalar * map(uniform)` of every uniform string of 64 bytes: element derivation (section 4.3.4), then the product. */
  mapAndMultiplyAll(scalar: Uint8Array, uniforms: readonly Uint8Array[]): Bytes[];
  /** The same with a scalar each. */
  mapAndMultiplyEach(scalars: readonly Uint8Array[], uniforms: readonly Uint8Array[]): Bytes[];
  /**
   * The sum of `weights[i] * elements[i]`, for weights and elements that everybody may know: this alone takes a time
   * that depends on the weights. After a product of the same elements it does not decode them again.
   * @returns The sum; or `undefined` if an element is no canonical encoding.
   */
  combine(weights: readonly Uint8Array[], elements: readonly Uint8Array[]): Bytes | undefined;
  /** Of each, whether it encodes an element canonically. The identity does. */
  areElements(elements: readonly Uint8Array[]): boolean[];

  /** 64 bytes, a little-endian number, modulo the order of the group. */
  reduceScalar(wide: Uint8Array): Bytes;
  /** `a - b * c` modulo the order: what a Schnorr proof answers. */
  subtractProduct(a: Uint8Array, b: Uint8Array, c: Uint8Array): Bytes;
  /**
   * `1 / scalar` modulo the order.
   * @throws {RangeError} If one is zero.
   */
  invertScalars(scalars: readonly Uint8Array[]): Bytes[];
  /** Whether 32 bytes are a number below the order and not zero. Any other length is neither. */
  isNonzeroScalar(scalar: Uint8Array): boolean;
}

/** A kernel that passed its start-up probe, or why there is none: what runs here lacks or breaks something. */
export type LoadedKernel =
  | { readonly kernel: Kernel; readonly reason?: never }
  | { readonly kernel?: never; readonly reason: string };

/** Compiles, probes and gives an instance; one a call. `load.ts` exports it as `loadKernel`. It never throws. */
export type LoadKernel = () => Promise<LoadedKernel>;
