/**
 * Functions of the module on scalars modulo the order of the group: products by Montgomery's method in eight words of
 * 32 bits, in constant time.
 *
 * A function `montgomery(a, b)` gives a * b / R modulo the order, with R = 2^256.
 *
 * @module
 */
import {
  type Body,
  copy,
  type I32,
  i32,
  i32Add,
  i32Mul,
  i32Sub,
  i32Wrap,
  type I64,
  i64,
  i64Add,
  i64And,
  i64Mul,
  i64Shl,
  i64ShrS,
  i64ShrU,
  i64Sub,
  i64Xor,
  littleEndian,
  load32,
  type Local,
  type Module,
  store32,
} from "./assembler.ts";
import { ORDER, ORDER_WORDS } from "./digits.ts";

/** Bytes of a scalar. */
const SCALAR = 32;
const WORD = 2n ** 32n;
const R = 2n ** 256n;

/** The inverse modulo 2^32 of an odd number, by Newton's method: each step doubles the bits that are right. */
function inverseOfOdd(value: bigint): bigint {
  let inverse = 1n;
  for (let step = 0; step < 5; step++) inverse = BigInt.asUintN(32, inverse * (2n - value * inverse));
  return inverse;
}

/** Where scalars lie: all of it secret. */
export interface ScalarMemory {
  /** Four scalars of scratch. */
  readonly scratch: number;
  /** A scalar for each that is inverted. */
  readonly prefixes: number;
  /** Where the exported functions read scalars. */
  readonly scalars: number;
  /** Where they read 64 bytes. */
  readonly input: number;
  /** Where they write. */
  readonly output: number;
}

/** Adds the functions of scalars to a module. */
export function defineScalars(module: Module, memory: ScalarMemory): void {
  const constant = (value: bigint) => i32(module.constant(littleEndian(value, SCALAR)));
  const ONE = constant(1n);
  const R_MODULO = constant(R % ORDER);
  const R_SQUARED = constant(R * R % ORDER);
  const EXPONENT = constant(ORDER - 2n);
  const NEGATED_INVERSE = BigInt.asUintN(32, -inverseOfOdd(ORDER));
  const scratch = (n: number) => i32(memory.scratch + n * SCALAR);
  const offset = (base: number, index: I32) => i32Add(i32(base), i32Mul(index, i32(SCALAR)));
  const low = (value: I64) => i64And(value, i64(WORD - 1n));
  const high = (value: I64) => i64ShrU(value, i64(32n));

  /** Writes words that are below twice the order, less the order where they reach it. */
  function storeReduced(body: Body, to: I32, words: readonly I64[]): void {
    const borrow = body.local("i64");
    borrow.set(i64(0n));
    const differences = words.map((word, index) => {
      const difference = body.local("i64");
      difference.set(i64Add(i64Sub(word, i64(ORDER_WORDS[index] ?? 0n)), borrow.get));
      borrow.set(i64ShrS(difference.get, i64(32n)));
      return difference.get;
    });
    // All ones if the words are below the order.
    words.forEach((word, index) => {
      const difference = differences[index] ?? word;
      body.do(store32(to, i64Xor(difference, i64And(i64Xor(difference, word), borrow.get)), 4 * index));
    });
  }

  /** `a * b / R` modulo the order, if a * b is below R times the order. */
  const montgomery = module.function("montgomery", 3, "void", (body, to, a, b) => {
    const words: Local<"i64">[] = Array.from({ length: 9 }, () => body.local("i64"));
    const at = (index: number) => words[index] as Local<"i64">;
    for (const word of words) word.set(i64(0n));
    const carry = body.local("i64");
    const sum = body.local("i64");
    const factor = body.local("i64");
    body.repeat(i32(8), (counter) => {
      factor.set(load32(i32Add(b, i32Mul(counter, i32(4)))));
      carry.set(i64(0n));
      for (let j = 0; j < 8; j++) {
        sum.set(i64Add(i64Add(at(j).get, i64Mul(load32(a, 4 * j), factor.get)), carry.get));
        at(j).set(low(sum.get));
        carry.set(high(sum.get));
      }
      at(8).set(i64Add(at(8).get, carry.get));
      factor.set(low(i64Mul(at(0).get, i64(NEGATED_INVERSE))));
      carry.set(i64(0n));
      ORDER_WORDS.forEach((word, j) => {
        sum.set(i64Add(i64Add(at(j).get, i64Mul(factor.get, i64(word))), carry.get));
        carry.set(high(sum.get));
        if (j > 0) at(j - 1).set(low(sum.get));
      });
      sum.set(i64Add(at(8).get, carry.get));
      at(7).set(low(sum.get));
      at(8).set(high(sum.get));
    });
    storeReduced(body, to, words.slice(0, 8).map(({ get }) => get));
    return [];
  });

  /** `a - b` modulo the order. */
  const subtract = module.function("subtractScalars", 3, "void", (body, to, a, b) => {
    const borrow = body.local("i64");
    borrow.set(i64(0n));
    const words = ORDER_WORDS.map((_, index) => {
      const word = body.local("i64");
      word.set(i64Add(i64Sub(load32(a, 4 * index), load32(b, 4 * index)), borrow.get));
      borrow.set(i64ShrS(word.get, i64(32n)));
      return word;
    });
    const carry = body.local("i64");
    carry.set(i64(0n));
    words.forEach((word, index) => {
      carry.set(i64Add(
        i64Add(low(word.get), i64And(borrow.get, i64(ORDER_WORDS[index] ?? 0n))),
        high(carry.get),
      ));
      body.do(store32(to, carry.get, 4 * index));
    });
    return [];
  });

  /** 64 bytes modulo the order: low + high * R. Written as low - (0 - high * R). */
  module.function("reduceScalar", 0, "void", (body) => {
    const [lowPart, highPart, nothing] = [scratch(0), scratch(1), scratch(2)];
    body.do(
      montgomery(lowPart, i32(memory.input), R_SQUARED),
      montgomery(lowPart, lowPart, ONE),
      montgomery(highPart, i32(memory.input + SCALAR), R_SQUARED),
      subtract(nothing, constant(0n), highPart),
      subtract(i32(memory.output), lowPart, nothing),
    );
    return [];
  }, true);

  /** The first scalar less the product of the second and the third. */
  module.function("subtractProduct", 0, "void", (body) => {
    const product = scratch(0);
    body.do(
      montgomery(product, i32(memory.scalars + SCALAR), R_SQUARED),
      montgomery(product, product, i32(memory.scalars + 2 * SCALAR)),
      subtract(i32(memory.output), i32(memory.scalars), product),
    );
    return [];
  }, true);

  /** `1 / scalar` of `count` scalars, none of them zero, by one inversion: a power whose exponent is public. */
  module.function("invertScalars", 1, "void", (body, count) => {
    const [all, inverse] = [scratch(0), scratch(1)];
    body.do(copy(all, R_MODULO, i32(SCALAR)));
    body.repeat(count, (counter) => {
      const scalar = body.let("i32", offset(memory.scalars, counter));
      body.do(
        montgomery(scalar, scalar, R_SQUARED),
        copy(offset(memory.prefixes, counter), all, i32(SCALAR)),
        montgomery(all, all, scalar),
      );
    });
    body.do(copy(inverse, R_MODULO, i32(SCALAR)));
    body.repeat(i32(8), (counter) => {
      const word = body.local("i64");
      word.set(load32(i32Sub(i32Add(EXPONENT, i32(SCALAR - 4)), i32Mul(counter, i32(4)))));
      body.repeat(i32(32), () => {
        body.do(montgomery(inverse, inverse, inverse));
        body.when(i32Wrap(i64ShrU(word.get, i64(31n))), () => body.do(montgomery(inverse, inverse, all)));
        word.set(low(i64Shl(word.get, i64(1n))));
      });
    });
    body.repeat(count, (counter) => {
      const index = body.let("i32", i32Sub(i32Sub(count, i32(1)), counter));
      const to = body.let("i32", offset(memory.output, index));
      body.do(
        montgomery(to, inverse, offset(memory.prefixes, index)),
        montgomery(to, to, ONE),
        montgomery(inverse, inverse, offset(memory.scalars, index)),
      );
    });
    return [];
  }, true);
}
