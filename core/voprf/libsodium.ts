/**
 * ristretto255 (RFC 9496) and SHA-512 from libsodium in WebAssembly, on byte strings.
 *
 * This calls the `libsodium-sumo` module that `libsodium-wrappers-sumo` wraps: the same code, without more JS to
 * parse at a cold start and without a malloc and a free around every argument. All arguments go through one
 * fixed block of its memory; slots that held a secret are zeroed before a function returns.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import libsodium from "libsodium-sumo";
import type { SuiteHashes } from "../base/hmac.ts";
import type { Bytes } from "./kernel/kernel.ts";

/** The exports of libsodium that are used here. Arguments are addresses; a number that comes back is 0 for success. */
export interface Libsodium {
  /** Its whole memory. */
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  /** The address of `length` fresh bytes, or 0. */
  _malloc(length: number): number;
  /** Starts the library: negative on failure. */
  _sodium_init(): number;
  /** SHA-512 of a message whose length comes as two words. */
  _crypto_hash_sha512(output: number, message: number, lengthLow: number, lengthHigh: number): number;
  /** HMAC-SHA-256 of such a message under 32 bytes. */
  _crypto_auth_hmacsha256(
    output: number,
    message: number,
    lengthLow: number,
    lengthHigh: number,
    key: number,
  ): number;
  /** 1 for a canonical encoding, that of the identity included. */
  _crypto_core_ristretto255_is_valid_point(element: number): number;
  /** Element derivation from 64 bytes. */
  _crypto_core_ristretto255_from_hash(output: number, uniform: number): number;
  /** The sum of two elements. */
  _crypto_core_ristretto255_add(output: number, a: number, b: number): number;
  /** 64 bytes modulo the order. */
  _crypto_core_ristretto255_scalar_reduce(output: number, wide: number): void;
  /** The product of two scalars. */
  _crypto_core_ristretto255_scalar_mul(output: number, a: number, b: number): void;
  /** The difference of two scalars. */
  _crypto_core_ristretto255_scalar_sub(output: number, a: number, b: number): void;
  /** The inverse of a scalar. */
  _crypto_core_ristretto255_scalar_invert(output: number, scalar: number): number;
  /** A scalar times an element. */
  _crypto_scalarmult_ristretto255(output: number, scalar: number, element: number): number;
  /** A scalar times the generator. */
  _crypto_scalarmult_ristretto255_base(output: number, scalar: number): number;
}

/**
 * The group and its scalars, and what is hashed beside them. Elements and scalars have 32 bytes; a scalar argument is
 * canonical unless said.
 */
export interface Ristretto255 extends SuiteHashes {
  /** Whether 32 bytes encode an element canonically and it is not the identity. */
  isElement(element: Uint8Array): boolean;
  /** Element derivation (RFC 9496, section 4.3.4) from 64 uniform bytes. */
  fromUniform(uniform: Uint8Array): Bytes;
  /** `a + b`, or `undefined` if one of them is malformed. */
  add(a: Uint8Array, b: Uint8Array): Bytes | undefined;
  /** `scalar * element` in constant time, or `undefined` if the element is malformed or the result the identity. */
  multiply(scalar: Uint8Array, element: Uint8Array): Bytes | undefined;
  /** `scalar * generator` in constant time, or `undefined` if the scalar is zero. */
  multiplyBase(scalar: Uint8Array): Bytes | undefined;
  /** A little-endian number of 64 bytes, modulo the order. */
  scalarReduce(wide: Uint8Array): Bytes;
  /** `a * b` modulo the order. */
  scalarMultiply(a: Uint8Array, b: Uint8Array): Bytes;
  /** `a - b` modulo the order. */
  scalarSubtract(a: Uint8Array, b: Uint8Array): Bytes;
  /** `1 / scalar` modulo the order, or `undefined` for zero. */
  scalarInvert(scalar: Uint8Array): Bytes | undefined;
  /** Whether bytes are a canonical scalar other than zero; in constant time for 32 bytes. */
  isNonzeroScalar(scalar: Uint8Array): boolean;
}

/** SHA-512 takes the longest input (64 KiB) with every prefix of this protocol around it. */
const MESSAGE_LENGTH = 65536 + 1024;
/** An argument or a result has 32 or 64 bytes. */
const SLOT_LENGTH = 64;

/**
 * Throws unless `module` runs as WebAssembly: libsodium's CommonJS build silently falls back to plain JS, which is
 * slow and has no claim to constant time. Only a function exported by a WebAssembly instance can enter a function
 * table (WebAssembly JavaScript Interface, section 5.4), so the very function that will be called proves it.
 */
function assertWebAssembly(module: Libsodium): void {
  try {
    new WebAssembly.Table({ element: "anyfunc", initial: 1 }).set(0, module._crypto_scalarmult_ristretto255);
  } catch {
    throw new Error("Cannot use libsodium: it runs as plain JavaScript and not as WebAssembly");
  }
}

/**
 * Wraps an instance of libsodium.
 * @throws {Error} If it does not run as WebAssembly or refuses to initialize.
 */
export function ristretto255Of(module: Libsodium): Ristretto255 {
  assertWebAssembly(module);
  if (module._sodium_init() < 0) throw new Error("Cannot use libsodium: it did not initialize");
  const slotA = module._malloc(3 * SLOT_LENGTH + MESSAGE_LENGTH);
  if (slotA === 0) throw new Error("Cannot use libsodium: it has no memory");
  const slotB = slotA + SLOT_LENGTH;
  const output = slotB + SLOT_LENGTH;
  const message = output + SLOT_LENGTH;

  /** Copies a result out and zeroes the slots of the arguments and of the result. */
  function take(length: number): Bytes {
    const heap = module.HEAPU8;
    const result = heap.slice(output, output + length);
    heap.fill(0, slotA, message);
    return result;
  }

  /** Copies an argument in. The callers check lengths; another one here would leave bytes of a neighbour in it. */
  function put(slot: number, bytes: Uint8Array, length = 32): void {
    if (bytes.length !== length) {
      throw new RangeError(`Cannot compute: ${bytes.length} bytes are not ${length}`);
    }
    module.HEAPU8.set(bytes, slot);
  }

  function scalarReduce(wide: Uint8Array): Bytes {
    put(slotA, wide, 64);
    module._crypto_core_ristretto255_scalar_reduce(output, slotA);
    return take(32);
  }

  /** Copies a message in; where it ends. */
  function putMessage(parts: Uint8Array[]): number {
    let end = message;
    for (const part of parts) {
      if (end + part.length > message + MESSAGE_LENGTH) {
        throw new RangeError("Cannot hash: the message is too long");
      }
      module.HEAPU8.set(part, end);
      end += part.length;
    }
    return end;
  }

  return {
    sha512(...parts) {
      const end = putMessage(parts);
      module._crypto_hash_sha512(output, message, end - message, 0);
      module.HEAPU8.fill(0, message, end);
      return take(64);
    },
    hmacSha256(key, ...parts) {
      const end = putMessage(parts);
      put(slotA, key);
      module._crypto_auth_hmacsha256(output, message, end - message, 0, slotA);
      module.HEAPU8.fill(0, message, end);
      return take(32);
    },
    isElement(element) {
      put(slotA, element);
      // libsodium takes the identity, 32 zero bytes, for a valid point.
      return module._crypto_core_ristretto255_is_valid_point(slotA) === 1 &&
        element.some((byte) => byte !== 0);
    },
    fromUniform(uniform) {
      put(slotA, uniform, 64);
      module._crypto_core_ristretto255_from_hash(output, slotA);
      return take(32);
    },
    add(a, b) {
      put(slotA, a);
      put(slotB, b);
      const failed = module._crypto_core_ristretto255_add(output, slotA, slotB) !== 0;
      const sum = take(32);
      return failed ? undefined : sum;
    },
    multiply(scalar, element) {
      put(slotA, scalar);
      put(slotB, element);
      const failed = module._crypto_scalarmult_ristretto255(output, slotA, slotB) !== 0;
      const product = take(32);
      return failed ? undefined : product;
    },
    multiplyBase(scalar) {
      put(slotA, scalar);
      const failed = module._crypto_scalarmult_ristretto255_base(output, slotA) !== 0;
      const product = take(32);
      return failed ? undefined : product;
    },
    scalarReduce,
    scalarMultiply(a, b) {
      put(slotA, a);
      put(slotB, b);
      module._crypto_core_ristretto255_scalar_mul(output, slotA, slotB);
      return take(32);
    },
    scalarSubtract(a, b) {
      put(slotA, a);
      put(slotB, b);
      module._crypto_core_ristretto255_scalar_sub(output, slotA, slotB);
      return take(32);
    },
    scalarInvert(scalar) {
      put(slotA, scalar);
      const failed = module._crypto_core_ristretto255_scalar_invert(output, slotA) !== 0;
      const inverse = take(32);
      return failed ? undefined : inverse;
    },
    isNonzeroScalar(scalar) {
      if (scalar.length !== 32) return false;
      const wide = new Uint8Array(64);
      wide.set(scalar);
      const canonical = timingSafeEqual(scalarReduce(wide), scalar);
      wide.fill(0);
      return canonical && !timingSafeEqual(scalar, new Uint8Array(32));
    },
  };
}

/**
 * The WebAssembly binary, from the string in the source of the package's loader; `undefined` if it is not there. The
 * loader would decode it in a loop of its own, which is slower.
 */
export function embeddedBinary(): Bytes | undefined {
  const source: string = libsodium.toString();
  // The first bytes of every WebAssembly binary, "\0asm", in base64.
  const start = source.indexOf('"AGFzbQ');
  if (start === -1) return undefined;
  return Uint8Array.fromBase64(source.slice(start + 1, source.indexOf('"', start + 1)));
}

/**
 * Compiles libsodium and wraps it.
 * @throws {Error} If it cannot load or does not run as WebAssembly.
 */
export async function loadRistretto255(): Promise<Ristretto255> {
  const binary = embeddedBinary();
  if (binary === undefined) return ristretto255Of(await libsodium());
  const compiled = await WebAssembly.compile(binary);
  const module: Libsodium = await libsodium({
    instantiateWasm: (imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) =>
      receive(new WebAssembly.Instance(compiled, imports)),
  });
  return ristretto255Of(module);
}
