/**
 * The sum of products of points and weights that everybody may know (Straus): all products share their doublings. This
 * alone of the module takes branches and addresses from scalars.
 *
 * @module
 */
import {
  type I32,
  i32,
  i32Add,
  i32Mul,
  i32Sub,
  i32Wrap,
  i64,
  i64Ne,
  i64Or,
  i64ShrS,
  i64Sub,
  i64x2Shl,
  i64x2ShrS,
  i64Xor,
  load,
  load64,
  loadLane,
  type Module,
  select,
  store,
  xor,
} from "./assembler.ts";
import { DIGITS, type Digits } from "./digits.ts";
import { bitsOf, ELEMENT, PLACES } from "./limbs.ts";
import { MULTIPLES, type Multiplication } from "./multiplication.ts";
import { POINT, type Points, SUMMAND } from "./points.ts";
import type { Ristretto } from "./ristretto.ts";

/** Bytes of the table of a pair of points: the neutral one, then the multiples. */
export const WEIGHTED_TABLE = (1 + MULTIPLES) * SUMMAND;
/** Bytes of the digits of a pair of weights. */
export const WEIGHTED_DIGITS = 16 * DIGITS;

/** Where a combination lies. */
export interface CombinationMemory {
  /** {@linkcode WEIGHTED_TABLE} bytes a pair. */
  readonly tables: number;
  /** {@linkcode WEIGHTED_DIGITS} bytes a pair. */
  readonly digits: number;
  /** The summand that the digits chose. */
  readonly chosen: number;
}

/** Adds the functions of combinations to a module. */
export function defineCombination(
  module: Module,
  { points, multiplication, digits, ristretto }: {
    points: Points;
    multiplication: Multiplication;
    digits: Digits;
    ristretto: Ristretto;
  },
  memory: CombinationMemory,
) {
  const chosen = i32(memory.chosen);
  const one = load(i32(module.vectors(bitsOf(1))));
  const two = load(i32(module.vectors(bitsOf(2))));

  /** Takes the summand of two digits, one from each lane of a table. */
  const takeSummand = module.function("takeSummand", 2, "void", (body, table, digitsAt) => {
    const entry = (lane: 0 | 1): I32 => {
      const digit = body.let("i64", load64(digitsAt, 8 * lane));
      const sign = body.let("i64", i64ShrS(digit, i64(63n)));
      const size = i32Wrap(i64Sub(i64Xor(digit, sign), sign));
      return body.let("i32", i32Add(i32Add(table, i32(8 * lane)), i32Mul(size, i32(SUMMAND))));
    };
    const [first, second] = [entry(0), entry(1)];
    const negative = body.let("v128", i64x2ShrS(load(digitsAt), 63));
    const sign = body.let("v128", i64x2Shl(negative, 63));
    const both = (offset: number) =>
      body.let("v128", loadLane(second, loadLane(first, negative, 0, offset), 1, offset));
    for (const place of PLACES) {
      const [minus, plus, twiceZ, twiceDT] = [0, 1, 2, 3].map((part) => both(part * ELEMENT + 16 * place));
      if (minus === undefined || plus === undefined || twiceZ === undefined || twiceDT === undefined) {
        continue;
      }
      body.do(
        store(chosen, select(negative, plus, minus), 16 * place),
        store(chosen, select(negative, minus, plus), ELEMENT + 16 * place),
        store(chosen, twiceZ, 2 * ELEMENT + 16 * place),
        store(chosen, xor(twiceDT, sign), 3 * ELEMENT + 16 * place),
      );
    }
    return [];
  });

  /** The sum over `count` pairs of points, in both lanes, of half the weights times the points. */
  return module.function("combine", 4, "void", (body, to, pairs, weights, count) => {
    const offset = (base: I32, index: I32, length: number) => i32Add(base, i32Mul(index, i32(length)));
    const table = (index: I32) => offset(i32(memory.tables), index, WEIGHTED_TABLE);
    const digitsOf = (index: I32) => offset(i32(memory.digits), index, WEIGHTED_DIGITS);
    body.repeat(count, (pair) => {
      const neutral = body.let("i32", table(pair));
      const own = body.let("i32", digitsOf(pair));
      const scalar = body.let("i32", offset(weights, pair, 64));
      body.do(
        store(neutral, one),
        store(neutral, one, ELEMENT),
        store(neutral, two, 2 * ELEMENT),
        multiplication.fillTable(i32Add(neutral, i32(SUMMAND)), offset(pairs, pair, POINT)),
        digits.toDigits(own, scalar),
        digits.toDigits(i32Add(own, i32(8)), i32Add(scalar, i32(32))),
      );
    });
    body.do(points.neutral(to));
    body.repeat(i32(DIGITS), (counter) => {
      const window = body.let("i32", i32Mul(i32Sub(i32(DIGITS - 1), counter), i32(16)));
      body.do(
        points.double(to, to),
        points.double(to, to),
        points.double(to, to),
        points.doubleWithT(to, to),
      );
      body.repeat(count, (pair) => {
        const at = body.let("i32", i32Add(digitsOf(pair), window));
        body.when(i64Ne(i64Or(load64(at), load64(at, 8)), i64(0n)), () => {
          body.do(takeSummand(table(pair), at), points.addWithT(to, to, chosen));
        });
      });
    });
    body.do(ristretto.addLanes(to, to));
    return [];
  });
}
