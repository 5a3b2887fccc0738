/**
 * Arguments for kernels: at random, and where arithmetic goes wrong first.
 *
 * @module
 */
import { ristretto255 } from "@noble/curves/ed25519.js";
import type { RandomSource } from "../../../../core/base/random.ts";
import { RFC9496_INVALID } from "../malformed.ts";

/** The order of the group and that of the field (RFC 9496, section 4). */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
export const PRIME = 2n ** 255n - 19n;

/** A number in little-endian bytes. */
export function littleEndian(number: bigint, length = 32): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(number.toString(16).padStart(2 * length, "0")).reverse();
}

/** Zero, both ends, the middle, where signed windows of any width carry all the way, and few or almost only ones. */
export const EDGE_SCALARS: readonly Uint8Array<ArrayBuffer>[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 9n, 15n, 16n, 17n, 255n, 256n],
  ...[1n, 2n, 3n, 8n, 16n].map((number) => ORDER - number),
  ...[(ORDER - 1n) / 2n, (ORDER + 1n) / 2n, ORDER / 3n, ORDER / 8n],
  ...[2n ** 252n, 2n ** 252n - 1n, 2n ** 251n, 2n ** 251n - 1n, 2n ** 128n, 2n ** 128n - 1n, 2n ** 64n - 1n],
  // Every digit of four bits 7, 8, 9, 15, or in turn.
  ...["7", "8", "9", "f", "78", "87", "80", "08"].map((digits) =>
    BigInt("0x" + digits.repeat(63 / digits.length | 0))
  ),
  ...[51n, 102n, 153n, 204n].flatMap((limb) => [2n ** limb, 2n ** limb - 1n, 2n ** limb + 1n]),
].map((number) => littleEndian(number));

/** Uniform strings whose halves are the numbers where Elligator's maps have their exceptions, and those around the prime. */
const EDGE_HALVES: readonly Uint8Array[] = [
  ...[0n, 1n, 2n, PRIME - 1n, PRIME, PRIME + 1n, PRIME + 18n, 2n ** 255n - 1n, 2n ** 255n, 2n ** 256n - 1n],
  // The square roots of -1, of 1/i and of the like: r = i t^2 is then 0, 1, -1, d or 1/d.
  19681161376707505956807079304988542015446066515923890162744021073123829784752n,
  38214883241950591754978413199355411911188925816896391856984770930832735035197n,
].map((number) => littleEndian(number));

const { Point } = ristretto255;
const IDENTITY = new Uint8Array(32);

/** The identity, the generator and its neighbours, and elements of the other cosets than the generator's representative. */
export const EDGE_ELEMENTS: readonly Uint8Array[] = [
  IDENTITY,
  ...[1n, 2n, 3n, 8n, ORDER - 1n, ORDER - 2n, (ORDER + 1n) / 2n].map((scalar) =>
    Point.BASE.multiply(scalar).toBytes()
  ),
];

/** What is no element (RFC 9496, appendix A.2). */
export const NO_ELEMENTS: readonly Uint8Array[] = Object.values(RFC9496_INVALID).flat()
  .map((hex) => Uint8Array.fromHex(hex));

/** A fast reproducible source (sfc32): half a million arguments are drawn of it. */
export function fastRandom(seed: number): RandomSource {
  let [a, b, c, counter] = [seed, 0x9e3779b9, 0x243f6a88, 1];
  const next = () => {
    const result = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result | 0;
    return result;
  };
  for (let warm = 0; warm < 12; warm++) next();
  return (length) => Uint8Array.from({ length }, () => next() >>> 24);
}

/** Arguments at random, every fifth at an edge. */
export class Cases {
  /** Draws of this source. */
  constructor(readonly random: RandomSource) {}

  /** A whole number from 0 up to `end`. */
  below(end: number): number {
    return new DataView(this.random(4).buffer).getUint32(0) % end;
  }

  #edge<T>(edges: readonly T[], otherwise: () => T): T {
    return this.below(5) === 0 ? edges[this.below(edges.length)]! : otherwise();
  }

  scalar(): Uint8Array {
    return this.#edge<Uint8Array>(EDGE_SCALARS, () => {
      const wide = BigInt("0x" + this.random(48).toHex());
      return littleEndian(wide % ORDER);
    });
  }

  uniform(): Uint8Array {
    const half = () => this.#edge(EDGE_HALVES, () => this.random(32));
    return Uint8Array.of(...half(), ...half());
  }

  /** One of `fresh`, which were computed before, or an edge. */
  element(fresh: readonly Uint8Array[]): Uint8Array {
    return this.#edge(EDGE_ELEMENTS, () => fresh[this.below(fresh.length)] ?? EDGE_ELEMENTS[1]!);
  }

  /** Of `count`. */
  many<T>(count: number, draw: () => T): T[] {
    return Array.from({ length: count }, draw);
  }
}
