/**
 * The kernel under test, and the reference that it is compared with.
 *
 * @module
 */
import { ed25519, ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { BASE64, LAYOUT } from "../../../../core/voprf/kernel/binary.ts";
import { KernelInstance } from "../../../../core/voprf/kernel/instance.ts";
import type { Kernel } from "../../../../core/voprf/kernel/kernel.ts";

/** The order of the group. */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const binary = Uint8Array.fromBase64(BASE64);

/** Why nothing here can be tested, if so: no relaxed SIMD. Tests print it and are skipped. */
export const unavailable = !WebAssembly.validate(binary);
// deno-lint-ignore no-console -- why tests are skipped is said
if (unavailable) console.warn("skipped: WebAssembly here has no relaxed SIMD");

/** The exports of a fresh instance. */
export function freshExports() {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary));
  const memory = exports["memory"] as WebAssembly.Memory;
  return { exports, memory: new Uint8Array(memory.buffer as ArrayBuffer), layout: LAYOUT };
}

/** A fresh instance. */
export function freshKernel(): KernelInstance {
  return new KernelInstance(new WebAssembly.Instance(new WebAssembly.Module(binary)));
}

/** A number as 32 bytes, the lowest first. */
export function scalarOf(value: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(value.toString(16).padStart(64, "0")).reverse();
}

/** The number of bytes. */
export const numberOf = (bytes: Uint8Array): bigint => BigInt("0x0" + bytes.toReversed().toHex());

type Point = InstanceType<typeof ristretto255.Point>;

/** `scalar * point` by noble, which refuses zero. */
export function multiply(scalar: bigint, point: Point): Point {
  return scalar % ORDER === 0n ? ristretto255.Point.ZERO : point.multiply(scalar % ORDER);
}

/** noble's group. */
export const { Point } = ristretto255;

/** noble's element derivation. */
export const derive = (uniform: Uint8Array): Point => {
  const derived = ristretto255_hasher.deriveToCurve?.(uniform);
  if (derived === undefined) throw new Error("noble derives no elements");
  return derived;
};

/** Scalars at which an implementation is likely to break: ends, halves, digits that all carry or are all extreme. */
export const EDGE_SCALARS: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 9n, 15n, 16n, 17n],
  ...[ORDER - 1n, ORDER - 2n, ORDER - 8n, (ORDER - 1n) / 2n, (ORDER + 1n) / 2n, (ORDER + 3n) / 2n],
  ...[2n ** 252n - 1n, 2n ** 252n, 2n ** 251n, 2n ** 251n - 1n],
  ...["7", "8", "9", "f", "1", "0f", "f0", "70", "07", "87"].map((digits) =>
    BigInt("0x" + digits.repeat(64).slice(0, 64)) % 2n ** 252n
  ),
  // Halves of these have such digits.
  ...["7", "8", "9", "f"].map((digits) => (2n * BigInt("0x0" + digits.repeat(63))) % ORDER),
  ...[32n, 51n, 64n, 102n, 128n, 153n, 192n, 204n, 224n].flatMap((bit) => [2n ** bit, 2n ** bit - 1n]),
];

/** Points on edwards25519 of order 1, 2, 4 and 8, in noble's coordinates. */
export const TORSION = (() => {
  const eighth = ed25519.Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
  return Array.from({ length: 8 }, (_, n) => n === 0 ? ed25519.Point.ZERO : eighth.multiplyUnsafe(BigInt(n)));
})();

/** A kernel whose product of points leaves a fault in memory: for what must notice it. */
export function faultyKernel(fault: (memory: DataView) => void): Kernel {
  const { exports, memory } = freshExports();
  const view = new DataView(memory.buffer);
  const real = exports["multiplyPoints"] as (pairs: number, stride: number) => void;
  const multiplyPoints = (pairs: number, stride: number) => {
    real(pairs, stride);
    fault(view);
  };
  return new KernelInstance({ exports: { ...exports, multiplyPoints } });
}
