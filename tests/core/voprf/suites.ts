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

/** The order of ristretto255 (RFC 9496, section 4.4). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const numberOf = (littleEndian: Uint8Array) => BigInt("0x" + littleEndian.toReversed().toHex());
const bytesOf = (number: bigint, length: number) =>
  Uint8Array.fromHex(number.toString(16).padStart(2 * length, "0")).reverse();

/**
 * The source from which noble draws what others draw of `random`: a wide number modulo the order. noble takes it modulo
 * (order - 1), plus one.
 */
function sourceForNoble(random: RandomSource): RandomSource {
  return (length) => bytesOf(numberOf(random(length)) % ORDER - 1n, length);
}

/** noble, which draws scalars as the others do: so that all can be compared byte by byte. */
const comparableNoble: Suite = {
  ...nobleRistretto255,
  blind: (inputs, random) => nobleRistretto255.blind(inputs, sourceForNoble(random)),
  blindEvaluate: (keys, elements, random) =>
    nobleRistretto255.blindEvaluate(keys, elements, sourceForNoble(random)),
};

/** The implementations of ristretto255, which have to agree on everything. */
export const ristretto255Suites: SuiteUnderTest[] = [
  { label: "noble ristretto255", suite: comparableNoble },
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
 * A source that makes a suite draw exactly these scalars. One of ristretto255 is a wide number modulo the order, in
 * little-endian bytes; one of P-384 is (a wide number modulo (order - 1)) + 1, in big-endian ones.
 */
export function scriptedRandom(suite: Suite, scalars: Uint8Array[]): RandomSource {
  const script = [...scalars];
  return (length) => {
    const scalar = script.shift();
    if (scalar === undefined) throw new Error("The suite drew more scalars than the vector has");
    if (suite.name === "ristretto255-SHA512") return bytesOf(numberOf(scalar), length);
    return bytesOf(numberOf(scalar.toReversed()) - 1n, length).reverse();
  };
}
