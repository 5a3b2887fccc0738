/**
 * The implementations under test, and the sources of randomness that tests give them.
 *
 * @module
 */
import { sha512 } from "@noble/hashes/sha2.js";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import { loadKernelSuite } from "../../../core/voprf/kernel_suite.ts";
import { loadSodiumSuite } from "../../../core/voprf/sodium.ts";
import type { RandomSource } from "../../../core/base/random.ts";
import type { Suite } from "../../../core/voprf/suite.ts";
import { unavailable } from "./kernel/kernel.ts";

/** ristretto255 on libsodium. */
export const sodiumRistretto255: Suite = await loadSodiumSuite();

/** ristretto255 on this project's own kernel; undefined where that does not run. */
export const kernelRistretto255: Suite | undefined = unavailable ? undefined : await loadKernelSuite();

/** One implementation in a table of tests. */
export interface SuiteUnderTest {
  readonly label: string;
  readonly suite: Suite;
}

/** The implementations of ristretto255, which have to agree on everything. */
export const ristretto255Suites: SuiteUnderTest[] = [
  { label: "noble ristretto255", suite: nobleRistretto255 },
  { label: "sodium ristretto255", suite: sodiumRistretto255 },
  ...kernelRistretto255 === undefined ? [] : [{ label: "kernel ristretto255", suite: kernelRistretto255 }],
];

/** Every implementation. */
export const allSuites: SuiteUnderTest[] = [...ristretto255Suites, {
  label: "noble P-384",
  suite: nobleP384,
}];

/** An endless reproducible stream: SHA-512 of a seed and a counter. */
export function seededRandom(seed: string): RandomSource {
  let counter = 0;
  let pool: number[] = [];
  return (length) => {
    while (pool.length < length) pool.push(...sha512(new TextEncoder().encode(`${seed} ${counter++}`)));
    const bytes = Uint8Array.from(pool.slice(0, length));
    pool = pool.slice(length);
    return bytes;
  };
}

/**
 * A source that makes a suite draw exactly these scalars. A scalar is (a wide number mod (order - 1)) + 1, so the
 * source gives each scalar less one, in the byte order of its suite.
 */
export function scriptedRandom(suite: Suite, scalars: Uint8Array[]): RandomSource {
  const littleEndian = suite.name === "ristretto255-SHA512";
  const script = [...scalars];
  return (length) => {
    const scalar = script.shift();
    if (scalar === undefined) throw new Error("The suite drew more scalars than the vector has");
    const number = BigInt("0x" + (littleEndian ? scalar.toReversed() : scalar).toHex()) - 1n;
    const wide = Uint8Array.fromHex(number.toString(16).padStart(2 * length, "0"));
    return littleEndian ? wide.reverse() : wide;
  };
}
