/**
 * Where random bytes come from: the core has no source of its own, it is handed one.
 *
 * @module
 */

/** A source of cryptographically secure random bytes: gives `length` fresh bytes. */
export type RandomSource = (length: number) => Uint8Array<ArrayBuffer>;
