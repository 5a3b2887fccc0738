/**
 * The multiplication of points by secret scalars: windows of four bits, most significant first, and a table of
 * multiples of which every entry is read at every window. Both lanes have a scalar of their own.
 *
 * @module
 */
import {
  and,
  type Body,
  type Code,
  i32,
  i32Add,
  i32Mul,
  i32Sub,
  i64x2Eq,
  i64x2ShrS,
  i64x2Sub,
  load,
  type Module,
  or,
  select,
  store,
  type V128,
  xor,
} from "./assembler.ts";
import { DIGITS } from "./digits.ts";
import { bitsOf, ELEMENT, PLACES } from "./limbs.ts";
import { POINT, type Points, SUMMAND } from "./points.ts";

/** Multiples in the table: 1 to 8 times the point. */
export const MULTIPLES = 8;

/** Where the secrets of a multiplication lie. */
export interface MultiplicationMemory {
  /** The table of multiples as summands. */
  readonly table: number;
  /** The summand that a digit chose. */
  readonly chosen: number;
  /** A multiple on its way into the table. */
  readonly multiple: number;
  /** The digits of both lanes: 16 bytes each. */
  readonly digits: number;
}

/** Adds the functions of multiplication to a module. */
export function defineMultiplication(module: Module, points: Points, memory: MultiplicationMemory) {
  const constant = (bits: bigint): V128 => load(i32(module.vectors(bits)));

  /** Writes the table of 1 to 8 times a point. */
  const fillTable = module.function("fillTable", 2, "void", (body, table, point) => {
    const multiple = i32(memory.multiple);
    body.do(
      points.toSummand(table, point),
      points.doubleWithT(multiple, point),
      points.toSummand(i32Add(table, i32(SUMMAND)), multiple),
    );
    body.repeat(i32(MULTIPLES - 2), (counter) => {
      const entry = i32Add(i32Add(table, i32(2 * SUMMAND)), i32Mul(counter, i32(SUMMAND)));
      body.do(points.addWithT(multiple, multiple, table), points.toSummand(entry, multiple));
    });
    return [];
  });

  /** Adds up the entries of one vector of the table, all masked to nothing but the one whose digit it is. */
  function choose(body: Body, masks: readonly V128[], offset: number, ofZero: V128 | undefined): V128 {
    const entries = masks.slice(1).map((mask, index) =>
      and(load(i32(memory.table), index * SUMMAND + offset), mask)
    );
    const zero = ofZero === undefined || masks[0] === undefined ? [] : [and(ofZero, masks[0])];
    return body.let("v128", [...entries, ...zero].reduce((x, y) => or(x, y)));
  }

  /**
   * Chooses the summand of a digit in each lane. The neutral point is (1, 1, 2, 0) as a summand; a negative digit
   * exchanges Y - X with Y + X and negates 2dT. No address and no branch depends on a digit.
   */
  const chooseSummand = module.function("chooseSummand", 1, "void", (body, digitAt) => {
    const digit = body.let("v128", load(digitAt));
    const negative = body.let("v128", i64x2ShrS(digit, 63));
    const size = body.let("v128", i64x2Sub(xor(digit, negative), negative));
    const masks = Array.from(
      { length: MULTIPLES + 1 },
      (_, multiple) => body.let("v128", i64x2Eq(size, constant(BigInt(multiple)))),
    );
    const to = i32(memory.chosen);
    const sign = body.let("v128", and(negative, constant(1n << 63n)));
    const one = constant(bitsOf(1));
    const two = constant(bitsOf(2));
    for (const place of PLACES) {
      body.scope(() => {
        const offsets = [0, 1, 2, 3].map((part) => part * ELEMENT + 16 * place) as [
          number,
          number,
          number,
          number,
        ];
        const ofZero = (value: V128) => place === 0 ? value : undefined;
        const minus = choose(body, masks, offsets[0], ofZero(one));
        const plus = choose(body, masks, offsets[1], ofZero(one));
        const twiceZ = choose(body, masks, offsets[2], ofZero(two));
        const twiceDT = choose(body, masks, offsets[3], undefined);
        body.do(
          store(to, select(negative, plus, minus), offsets[0]),
          store(to, select(negative, minus, plus), offsets[1]),
          store(to, twiceZ, offsets[2]),
          store(to, xor(twiceDT, sign), offsets[3]),
        );
      });
    }
    return [];
  });

  /** The product of a point and the scalar whose digits lie in memory. The point may not be the target. */
  const multiplyPoint = module.function("multiplyPoint", 2, "void", (body, to, point) => {
    const digitAt = (index: Code<"i32">) => i32Add(i32(memory.digits), i32Mul(index, i32(16)));
    const chosen = i32(memory.chosen);
    const shift = [
      points.double(to, to),
      points.double(to, to),
      points.double(to, to),
      points.doubleWithT(to, to),
    ];
    body.do(
      fillTable(i32(memory.table), point),
      points.neutral(to),
      chooseSummand(digitAt(i32(DIGITS - 1))),
      points.add(to, to, chosen),
    );
    body.repeat(i32(DIGITS - 2), (counter) => {
      body.do(
        ...shift,
        chooseSummand(digitAt(i32Sub(i32(DIGITS - 2), counter))),
        points.add(to, to, chosen),
      );
    });
    body.do(...shift, chooseSummand(digitAt(i32(0))), points.addWithT(to, to, chosen));
    return [];
  });

  return { fillTable, multiplyPoint };
}

/** Bytes of the memory of a multiplication, in the order of {@linkcode MultiplicationMemory}. */
export const MULTIPLICATION_LENGTHS = [MULTIPLES * SUMMAND, SUMMAND, POINT, 16 * DIGITS] as const;

/** The functions of multiplication. */
export type Multiplication = ReturnType<typeof defineMultiplication>;
