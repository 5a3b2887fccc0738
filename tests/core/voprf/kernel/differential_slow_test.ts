/**
 * The kernel beside libsodium and noble, on arguments at random and at every edge. Ten thousand products of each in
 * CI; `deno task test:kernel:long` makes a million.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import type { Kernel } from "../../../../core/voprf/kernel/kernel.ts";
import { loadRistretto255 } from "../../../../core/voprf/libsodium.ts";
import { sodiumKernel } from "../../../../core/voprf/sodium.ts";
import { Cases, EDGE_ELEMENTS, EDGE_SCALARS, fastRandom, littleEndian, NO_ELEMENTS, ORDER } from "./cases.ts";
import { freshKernel, unavailable } from "./kernel.ts";
import { nobleKernel } from "./noble.ts";

const PRODUCTS = Number(Deno.env.get("DIT_KERNEL_PRODUCTS") ?? 10_000);
const CHOSEN = Deno.env.get("DIT_KERNEL_SEED") ?? "9496";
const SEED = CHOSEN === "fresh" ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(CHOSEN);
/** noble is slow: it takes every so many rounds. */
const NOBLE_EVERY = 4;
/** One more than what an issuance may have, so that whatever a kernel splits a batch by is passed. */
const LARGEST_BATCH = 129;

const kernel = unavailable ? undefined : freshKernel();
const sodium = sodiumKernel(await loadRistretto255());
const references: readonly (readonly [string, Kernel])[] = [["sodium", sodium], ["noble", nobleKernel]];

const hex = (results: readonly Uint8Array[] | undefined) => results?.map((result) => result.toHex());

/** A test of the kernel, which is skipped where it cannot run. */
function test(name: string, run: (kernel: Kernel) => void): void {
  Deno.test({ name, ignore: unavailable, fn: () => kernel && run(kernel) });
}

/** Runs one operation everywhere and compares; the products of the kernel. */
function agree(
  what: string,
  references: readonly (readonly [string, Kernel])[],
  operation: (kernel: Kernel) => Uint8Array[] | undefined,
): Uint8Array[] {
  const results = kernel && operation(kernel);
  for (const [name, reference] of references) {
    assertEquals(hex(results), hex(operation(reference)), `${what}: kernel and ${name}`);
  }
  return results ?? [];
}

test(`kernel, libsodium and noble agree on ${PRODUCTS} products of each kind (seed ${SEED})`, () => {
  const cases = new Cases(fastRandom(SEED));
  let products = 0;
  let fresh: readonly Uint8Array[] = EDGE_ELEMENTS;
  for (let round = 0; products < PRODUCTS; round++) {
    // Small batches are the common ones.
    const count = 1 + cases.below(round % 3 === 0 ? LARGEST_BATCH : 8);
    products += count;
    const beside = references.slice(0, round % NOBLE_EVERY === 0 ? 2 : 1);
    const scalar = cases.scalar();
    const scalars = cases.many(count, () => cases.scalar());
    const elements = cases.many(count, () => cases.element(fresh));
    const uniforms = cases.many(count, () => cases.uniform());
    const what = `round ${round}, ${count} elements`;
    agree(`multiplyAll, ${what}`, beside, (kernel) => kernel.multiplyAll(scalar, elements));
    agree(`multiplyEach, ${what}`, beside, (kernel) => kernel.multiplyEach(scalars, elements));
    agree(`multiplyBase, ${what}`, beside, (kernel) => kernel.multiplyBase(scalars));
    agree(`mapAndMultiplyAll, ${what}`, beside, (kernel) => kernel.mapAndMultiplyAll(scalar, uniforms));
    const mapped = agree(
      `mapAndMultiplyEach, ${what}`,
      beside,
      (kernel) => kernel.mapAndMultiplyEach(scalars, uniforms),
    );
    agree(`combine, ${what}`, beside, (kernel) => [kernel.combine(scalars, elements)!]);
    // What came out goes in again, so that elements are of all cosets and none is special.
    fresh = mapped;
  }
});

test("kernel, libsodium and noble agree on every edge scalar times every edge element", () => {
  for (const element of EDGE_ELEMENTS) {
    const elements = EDGE_SCALARS.map(() => element);
    agree("multiplyEach", references, (kernel) => kernel.multiplyEach(EDGE_SCALARS, elements));
    for (const scalar of EDGE_SCALARS) {
      agree("multiplyAll", references, (kernel) => kernel.multiplyAll(scalar, [element]));
    }
  }
  agree("multiplyBase", references, (kernel) => kernel.multiplyBase(EDGE_SCALARS));
});

test("kernel, libsodium and noble agree on scalars", (kernel) => {
  const cases = new Cases(fastRandom(SEED + 1));
  const order = littleEndian(ORDER);
  const wides = [
    new Uint8Array(64),
    new Uint8Array(64).fill(0xff),
    ...[ORDER, ORDER - 1n, ORDER + 1n, ORDER * 2n ** 252n, ORDER ** 2n, ORDER ** 2n - 1n, 2n ** 511n]
      .map((number) => littleEndian(number, 64)),
    ...cases.many(500, () => cases.random(64)),
  ];
  agree("reduceScalar", references, (kernel) => wides.map((wide) => kernel.reduceScalar(wide)));
  const triples = [
    ...EDGE_SCALARS.flatMap((a) => EDGE_SCALARS.slice(0, 20).map((b) => [a, b, cases.scalar()] as const)),
    ...cases.many(500, () => [cases.scalar(), cases.scalar(), cases.scalar()] as const),
  ];
  agree(
    "subtractProduct",
    references,
    (kernel) => triples.map(([a, b, c]) => kernel.subtractProduct(a, b, c)),
  );
  const isZero = (scalar: Uint8Array) => scalar.every((byte) => byte === 0);
  const scalars = [...EDGE_SCALARS, ...cases.many(300, () => cases.scalar())].filter((one) => !isZero(one));
  agree("invertScalars", references, (kernel) => kernel.invertScalars(scalars));
  for (
    const scalar of [
      ...scalars,
      new Uint8Array(32),
      order,
      littleEndian(ORDER + 1n),
      new Uint8Array(32).fill(0xff),
    ]
  ) {
    const expected = nobleKernel.isNonzeroScalar(scalar);
    assertEquals([kernel, sodium].map((kernel) => kernel.isNonzeroScalar(scalar)), [expected, expected]);
  }
});

test("the kernel draws the line between elements and other bytes where libsodium and noble draw it", (kernel) => {
  const cases = new Cases(fastRandom(SEED + 2));
  // Even and below 2^255: about a quarter of them decodes.
  const candidates = cases.many(2_000, () => {
    const bytes = cases.random(32);
    return bytes.with(0, bytes[0]! & 0xfe).with(31, bytes[31]! & 0x7f);
  });
  const all = [...candidates, ...NO_ELEMENTS, ...EDGE_ELEMENTS];
  const answers = kernel.areElements(all);
  assertEquals(answers, sodium.areElements(all));
  assertEquals(answers, nobleKernel.areElements(all));
  for (const malformed of NO_ELEMENTS) {
    // In every lane of a batch, and alone.
    const good = EDGE_ELEMENTS[1]!;
    for (const batch of [[malformed], [malformed, good], [good, malformed], [good, good, malformed]]) {
      const scalars = batch.map(() => EDGE_SCALARS[2]!);
      assertEquals(kernel.multiplyAll(EDGE_SCALARS[2]!, batch), undefined);
      assertEquals(kernel.multiplyEach(scalars, batch), undefined);
      assertEquals(kernel.combine(scalars, batch), undefined);
    }
  }
});

test("the kernel refuses scalars that are not canonical, wrong lengths and arrays of unlike lengths", (kernel) => {
  const [one, good] = [EDGE_SCALARS[1]!, EDGE_ELEMENTS[1]!];
  const order = littleEndian(ORDER);
  const uniform = new Uint8Array(64);
  for (const bad of [order, littleEndian(2n ** 255n), one.subarray(1), new Uint8Array(33)]) {
    assertThrows(() => kernel.multiplyAll(bad, [good]), RangeError);
    assertThrows(() => kernel.multiplyEach([one, bad], [good, good]), RangeError);
    assertThrows(() => kernel.multiplyBase([bad]), RangeError);
    assertThrows(() => kernel.mapAndMultiplyAll(bad, [uniform]), RangeError);
    assertThrows(() => kernel.mapAndMultiplyEach([bad], [uniform]), RangeError);
    assertThrows(() => kernel.combine([bad], [good]), RangeError);
  }
  assertThrows(() => kernel.multiplyAll(one, [good.subarray(1)]), RangeError);
  assertThrows(() => kernel.multiplyEach([one], [good, good]), RangeError);
  assertThrows(() => kernel.mapAndMultiplyAll(one, [uniform.subarray(1)]), RangeError);
  assertThrows(() => kernel.combine([one, one], [good]), RangeError);
  assertThrows(() => kernel.invertScalars([one, new Uint8Array(32)]), RangeError);
  assertThrows(() => kernel.reduceScalar(new Uint8Array(63)), RangeError);
  assertEquals([kernel.multiplyAll(one, []), kernel.multiplyBase([]), kernel.areElements([])], [
    [],
    [],
    [],
  ]);
});
