/**
 * Functions of the module between byte strings and points: decoding and element derivation of RFC 9496, and the
 * encoding of whole batches with one inversion.
 *
 * @module
 */
import {
  and,
  andNot,
  type Body,
  type Code,
  type I32,
  i32,
  i32Add,
  i32And,
  i32Mul,
  i32Sub,
  i32Wrap,
  i64And,
  i64x2Eq,
  i64x2Lane,
  lanes,
  load,
  loadLane,
  type Module,
  or,
  store,
  type V128,
  xor,
} from "./assembler.ts";
import { elementsFrom, type Field, move, moveWhere, negateWhere } from "./field.ts";
import { ELEMENT, P } from "./limbs.ts";
import { coordinates, D, POINT, type Points } from "./points.ts";

/** Constants of RFC 9496, section 4.1. */
const INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578n;
const SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235n;
const ONE_MINUS_D_SQUARED = (1n - D * D % P + P) % P;
const D_MINUS_ONE_SQUARED = (D - 1n) * (D - 1n) % P;

/** Bytes that the encoding of two points keeps between its two passes: e, f, g, h, a product and a denominator. */
export const PENDING = 6 * ELEMENT;

/** Where the temporaries lie, which are wiped with the secrets. */
export interface RistrettoMemory {
  /** Eleven elements. */
  readonly scratch: number;
  /** Four points. */
  readonly mapped: number;
}

/** Adds the functions of encodings to a module. */
export function defineRistretto(module: Module, field: Field, points: Points, memory: RistrettoMemory) {
  const { multiply, square, add, subtract, isZero, isNegative, absolute } = field;
  const ONE = field.constant(1n);
  const ZERO = field.constant(0n);
  const MINUS_ONE = field.constant(P - 1n);
  const CURVE_D = field.constant(D);
  const word = (bits: bigint): V128 => load(i32(module.vectors(bits)));
  /** The n-th temporary element. Functions below that call each other use different ones. */
  const scratch = (n: number): I32 => i32(memory.scratch + n * ELEMENT);
  const mask = (body: Body, value: Code<"v128">) => body.let("v128", value);

  /**
   * Decode (section 4.3.1) of two strings of 32 bytes. Gives the lanes that are canonical; what is in the others is
   * some point, whose product is thrown away.
   */
  const decode = module.function("decode", 2, "v128", (body, to, from) => {
    const [x, y, z, t] = coordinates(to);
    const [s, u1, u2, v, w, root, u2Squared] = elementsFrom(memory.scratch, 7);
    const again = scratch(7);
    body.do(field.fromBytes(s, from), field.toBytes(again, s));
    const difference = [0, 8, 16, 24].map((offset) => {
      const both = (address: I32) =>
        loadLane(address, loadLane(address, word(0n), 0, offset), 1, 32 + offset);
      return xor(both(again), both(from));
    }).reduce((a, b) => or(a, b));
    const canonical = mask(body, i64x2Eq(difference, word(0n)));
    const negative = mask(body, isNegative(s));
    body.do(
      square(w, s),
      subtract(u1, ONE, w),
      add(u2, ONE, w),
      square(u2Squared, u2),
      square(w, u1),
      multiply(v, w, CURVE_D),
      add(v, v, u2Squared),
      subtract(v, ZERO, v),
      multiply(w, v, u2Squared),
    );
    const wasSquare = mask(body, field.squareRootOfRatio(root, ONE, w));
    // u2 becomes the denominator of x, w that of y.
    body.do(
      multiply(u2, root, u2),
      multiply(w, root, u2),
      multiply(w, w, v),
      add(s, s, s),
      multiply(x, s, u2),
      absolute(x),
      multiply(y, u1, w),
      move(z, ONE),
      multiply(t, x, y),
    );
    const invalid = mask(body, or(or(isNegative(t), isZero(y)), negative));
    return andNot(and(wasSquare, canonical), invalid);
  });

  /** MAP (section 4.3.4): a point from a number in each lane. */
  const map = module.function("map", 2, "void", (body, to, from) => {
    const [x, y, z, t] = coordinates(to);
    const [input, r, u, v, s, other, c, n] = elementsFrom(memory.scratch, 8);
    body.do(
      field.fromBytes(input, from),
      square(r, input),
      multiply(r, r, field.SQRT_M1),
      add(u, r, ONE),
      multiply(u, u, field.constant(ONE_MINUS_D_SQUARED)),
      multiply(v, r, CURVE_D),
      subtract(v, MINUS_ONE, v),
      add(other, r, CURVE_D),
      multiply(v, v, other),
    );
    const wasSquare = mask(body, field.squareRootOfRatio(s, u, v));
    const notSquare = mask(body, xor(wasSquare, word(-1n)));
    body.do(
      multiply(other, s, input),
      absolute(other),
      subtract(other, ZERO, other),
      move(c, MINUS_ONE),
    );
    moveWhere(body, notSquare, s, other);
    moveWhere(body, notSquare, c, r);
    body.do(
      subtract(other, r, ONE),
      multiply(n, c, other),
      multiply(n, n, field.constant(D_MINUS_ONE_SQUARED)),
      subtract(n, n, v),
    );
    const [w0, w1, w2, w3] = [r, n, u, c];
    body.do(
      add(w0, s, s),
      multiply(w0, w0, v),
      multiply(w1, n, field.constant(SQRT_AD_MINUS_ONE)),
      square(s, s),
      subtract(w2, ONE, s),
      add(w3, ONE, s),
      multiply(x, w0, w3),
      multiply(y, w2, w1),
      multiply(z, w1, w3),
      multiply(t, w0, w2),
    );
    return [];
  });

  /** Copies a point with lanes from two points: `first` and `second` count as {@linkcode lanes} does. */
  function shuffle(body: Body, to: I32, a: I32, b: I32, first: number, second: number): void {
    for (let offset = 0; offset < POINT; offset += 16) {
      body.do(store(to, lanes(load(a, offset), load(b, offset), first, second), offset));
    }
  }

  /** Adds the point of one lane to that of the other; both lanes get the sum. */
  const addLanes = module.function("addLanes", 2, "void", (body, to, point) => {
    const [exchanged, summand] = [i32(memory.mapped + 2 * POINT), i32(memory.mapped + 3 * POINT)];
    shuffle(body, exchanged, point, point, 1, 0);
    body.do(points.toSummand(summand, exchanged), points.addWithT(to, point, summand));
    return [];
  });

  /** Element derivation (section 4.3.4) of two strings of 64 bytes: the two maps of each run in the two lanes. */
  const derive = module.function("derive", 2, "void", (body, to, from) => {
    const [first, second] = [i32(memory.mapped), i32(memory.mapped + POINT)];
    body.do(map(first, from), addLanes(first, first));
    body.do(map(second, i32Add(from, i32(64))), addLanes(second, second));
    shuffle(body, to, first, second, 0, 2);
    return [];
  });

  const [product, a, b, onCurve] = elementsFrom(memory.scratch, 4);

  /**
   * The first pass over a batch of points P that are to be encoded as 2P. With
   *   e = 2XY, f = Z^2 + dT^2, g = Y^2 + X^2, h = Z^2 - dT^2
   * the double is (e/f, g/h), whose denominators and what their roots need follow from 1/(efgh): multiplied up over
   * the batch, for one inversion. Where efgh is zero, 2P is in the class of the identity, and 1 stands in.
   *
   * Gives the lanes whose point is on the curve: Z is not zero, XY = ZT and Y^2 - X^2 = Z^2 + dT^2.
   */
  const gather = module.function("gather", 2, "v128", (body, pending, point) => {
    const [x, y, z, t] = coordinates(point);
    const [e, f, g, h, before, factor] = elementsFrom(pending, 6);
    body.do(
      multiply(e, x, y),
      multiply(a, z, t),
      subtract(onCurve, e, a),
    );
    const segre = mask(body, isZero(onCurve));
    body.do(
      add(e, e, e),
      square(a, z),
      square(b, t),
      multiply(b, b, CURVE_D),
      add(f, a, b),
      subtract(h, a, b),
      square(a, x),
      square(b, y),
      add(g, a, b),
      subtract(onCurve, b, a),
      subtract(onCurve, onCurve, f),
    );
    const equation = mask(body, isZero(onCurve));
    const infinite = mask(body, isZero(z));
    body.do(multiply(a, e, g), multiply(b, f, h), multiply(factor, a, b));
    moveWhere(body, mask(body, isZero(factor)), factor, ONE);
    body.do(move(before, product), multiply(product, product, factor));
    return andNot(and(segre, equation), infinite);
  });

  /** The second pass, from the last point to the first: one of ENCODE (section 4.3.2), from known inverses. */
  const encode = module.function("encode", 2, "void", (body, to, pending) => {
    const [e, f, g, h, before, factor] = elementsFrom(pending, 6);
    const [inverse, eg, fh, overFh, overEg, x, rotatedX, ie, denominator, other] = elementsFrom(
      memory.scratch + ELEMENT,
      10,
    );
    body.do(
      multiply(inverse, product, before),
      multiply(product, product, factor),
      multiply(eg, e, g),
      multiply(fh, f, h),
      multiply(overFh, eg, inverse),
      multiply(overEg, fh, inverse),
      // xy of the double: if it is negative, the point is rotated by a point of order four.
      multiply(x, eg, overFh),
    );
    const rotated = mask(body, isNegative(x));
    body.do(multiply(other, eg, fh));
    const identity = mask(body, isZero(other));
    body.do(
      multiply(x, overFh, h),
      multiply(x, x, e), // e / f
      multiply(ie, e, field.SQRT_M1),
      multiply(rotatedX, overFh, f),
      multiply(rotatedX, rotatedX, g),
      multiply(rotatedX, rotatedX, field.SQRT_M1), // i g / h
      multiply(denominator, overEg, g),
      multiply(denominator, denominator, field.constant(INVSQRT_A_MINUS_D)), // 1 / (e sqrt(a - d))
      multiply(other, overEg, e), // 1 / g
    );
    const [numerator, subtrahend] = [eg, fh];
    body.do(move(numerator, h), move(subtrahend, g));
    moveWhere(body, rotated, numerator, f);
    moveWhere(body, rotated, subtrahend, ie);
    moveWhere(body, rotated, denominator, other);
    moveWhere(body, rotated, x, rotatedX);
    negateWhere(body, module, mask(body, isNegative(x)), subtrahend);
    body.do(
      subtract(numerator, numerator, subtrahend),
      multiply(numerator, numerator, denominator),
      absolute(numerator),
    );
    moveWhere(body, identity, numerator, ZERO);
    body.do(field.toBytes(to, numerator));
    return [];
  });

  /**
   * Encodes the doubles of `count` pairs of points, 64 bytes a pair. Gives 1 if all are on the curve, else 0: then
   * nothing is written.
   */
  const encodeDoubles = module.function("encodeDoubles", 4, "i32", (body, to, pairs, pending, count) => {
    const valid = body.local("v128");
    valid.set(word(-1n));
    body.do(move(product, ONE));
    const offset = (base: I32, index: I32, length: number) => i32Add(base, i32Mul(index, i32(length)));
    body.repeat(count, (counter) => {
      valid.set(and(valid.get, gather(offset(pending, counter, PENDING), offset(pairs, counter, POINT))));
    });
    const all = body.let("i32", bothLanes(valid.get));
    body.when(all, () => {
      body.do(field.invert(product, product));
      body.repeat(count, (counter) => {
        const index = body.let("i32", i32Sub(i32Sub(count, i32(1)), counter));
        body.do(encode(offset(to, index, 64), offset(pending, index, PENDING)));
      });
    });
    return all;
  });

  return { decode, derive, addLanes, encodeDoubles };
}

/** 1 if both lanes of a mask are set. */
export function bothLanes(mask: V128): I32 {
  return i32And(i32Wrap(i64And(i64x2Lane(mask, 0), i64x2Lane(mask, 1))), i32(1));
}

/** The functions of encodings. */
export type Ristretto = ReturnType<typeof defineRistretto>;
