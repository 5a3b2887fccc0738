/**
 * Functions of the module on elements of GF(2^255 - 19) in memory, two side by side. All take reduced elements and
 * leave reduced ones, which {@linkcode Limbs} proves of each; a result may be written over an argument.
 *
 * @module
 */
import {
  and,
  type Body,
  type Call,
  type Code,
  copy,
  type I32,
  i32,
  i32Add,
  i64x2Eq,
  i64x2Shl,
  i64x2ShrU,
  i64x2Sub,
  load,
  loadLane,
  type Module,
  or,
  select,
  store,
  storeLane,
  type V128,
  xor,
} from "./assembler.ts";
import { bitsOf, ELEMENT, Limbs, limbsOf, PLACES } from "./limbs.ts";

/** `n` elements after an address. */
export const at = (address: I32, n: number): I32 => i32Add(address, i32(n * ELEMENT));
/** `count` elements from an address on; one that is a number stands in the code as a sum that is computed here. */
export function elementsFrom<N extends keyof Tuples>(address: I32 | number, count: N): Tuples[N] {
  const element = (n: number) => typeof address === "number" ? i32(address + n * ELEMENT) : at(address, n);
  return Array.from({ length: count }, (_, n) => element(n)) as unknown as Tuples[N];
}
/** Addresses, as many as functions here name. */
interface Tuples {
  readonly 2: [I32, I32];
  readonly 3: [...Tuples[2], I32];
  readonly 4: [...Tuples[3], I32];
  readonly 6: [...Tuples[4], I32, I32];
  readonly 7: [...Tuples[6], I32];
  readonly 8: [...Tuples[7], I32];
  readonly 10: [...Tuples[8], I32, I32];
}
/** Copies an element. */
export const move = (to: I32, from: I32): Code<"void"> => copy(to, from, i32(ELEMENT));

/** An element as a constant of the module; its address. */
export function elementConstant(module: Module, value: bigint): I32 {
  return i32(module.vectors(...limbsOf(value).map((limb) => bitsOf(Number(limb)))));
}

/** Overwrites an element by another one in the lanes of a mask. */
export function moveWhere(body: Body, mask: V128, to: I32, from: I32): void {
  for (const place of PLACES) {
    body.do(store(to, select(mask, load(from, 16 * place), load(to, 16 * place)), 16 * place));
  }
}

/** Negates an element in the lanes of a mask: its limbs change their signs. */
export function negateWhere(body: Body, module: Module, mask: V128, to: I32): void {
  const sign = body.let("v128", and(mask, load(i32(module.vectors(1n << 63n)))));
  for (const place of PLACES) body.do(store(to, xor(load(to, 16 * place), sign), 16 * place));
}

/** Adds the functions of the field to a module. */
export function defineField(module: Module) {
  /** A function from elements to one: `compute` reads, then writes. */
  function define(name: string, parameters: number, compute: (limbs: Limbs, ...addresses: I32[]) => void) {
    return module.function(name, parameters, "void", (body, ...addresses) => {
      compute(new Limbs(body, module), ...addresses);
      return [];
    });
  }
  const constant = (value: bigint) => elementConstant(module, value);

  const multiply = define("multiply", 3, (limbs, to, a, b) => {
    limbs.storeElement(to, limbs.carry(limbs.multiply(limbs.loadElement(a), limbs.loadElement(b))));
  });
  const square = define("square", 2, (limbs, to, a) => {
    limbs.storeElement(to, limbs.carry(limbs.square(limbs.loadElement(a))));
  });
  const add = define("add", 3, (limbs, to, a, b) => {
    limbs.storeElement(to, limbs.reduce(limbs.add(limbs.loadElement(a), limbs.loadElement(b))));
  });
  const subtract = define("subtract", 3, (limbs, to, a, b) => {
    limbs.storeElement(to, limbs.reduce(limbs.subtract(limbs.loadElement(a), limbs.loadElement(b))));
  });

  /** Squares an element in place, `count` times. */
  const squareTimes = module.function("squareTimes", 2, "void", (body, element, count) => {
    body.repeat(count, () => body.do(square(element, element)));
    return [];
  });

  /** The lanes whose number is zero. */
  const isZero = module.function("isZero", 1, "v128", (body, a) => {
    const limbs = new Limbs(body, module);
    const any = limbs.freeze(limbs.loadElement(a)).reduce((x, y) => or(x, y));
    return i64x2Eq(any, load(i32(module.vectors(0n))));
  });
  /** The lanes whose number is odd, which RFC 9496 (section 3.1) calls negative. */
  const isNegative = module.function("isNegative", 1, "v128", (body, a) => {
    const limbs = new Limbs(body, module);
    const [lowest = []] = limbs.freeze(limbs.loadElement(a));
    return i64x2Sub(
      load(i32(module.vectors(0n))),
      and(lowest, load(i32(module.vectors(1n)))),
    );
  });
  /** Makes each lane's number nonnegative: CT_ABS of RFC 9496, section 3.1. */
  const absolute = module.function("absolute", 1, "void", (body, a) => {
    negateWhere(body, module, body.let("v128", isNegative(a)), a);
    return [];
  });

  /** Reads the numbers of two strings of 32 bytes, one after the other, without the highest bit. */
  const fromBytes = module.function("fromBytes", 2, "void", (body, to, from) => {
    const zero = load(i32(module.vectors(0n)));
    const mask = body.let("v128", load(i32(module.vectors(2n ** 51n - 1n))));
    const words = [0, 8, 16, 24].map((offset) =>
      body.let("v128", loadLane(from, loadLane(from, zero, 0, offset), 1, 32 + offset))
    );
    const [w0 = [], w1 = [], w2 = [], w3 = []] = words;
    const join = (low: V128, right: number, high: V128, left: number) =>
      and(or(i64x2ShrU(low, right), i64x2Shl(high, left)), mask);
    const limbs = new Limbs(body, module);
    limbs.storeElement(
      to,
      limbs.fromIntegers([
        and(w0, mask),
        join(w0, 51, w1, 13),
        join(w1, 38, w2, 26),
        join(w2, 25, w3, 39),
        and(i64x2ShrU(w3, 12), mask),
      ]),
    );
    return [];
  });
  /** Writes the numbers as two strings of 32 bytes. */
  const toBytes = module.function("toBytes", 2, "void", (body, to, from) => {
    const limbs = new Limbs(body, module);
    const [t0 = [], t1 = [], t2 = [], t3 = [], t4 = []] = limbs.freeze(limbs.loadElement(from));
    const words = [
      or(t0, i64x2Shl(t1, 51)),
      or(i64x2ShrU(t1, 13), i64x2Shl(t2, 38)),
      or(i64x2ShrU(t2, 26), i64x2Shl(t3, 25)),
      or(i64x2ShrU(t3, 39), i64x2Shl(t4, 12)),
    ];
    words.forEach((word, index) => {
      const value = body.let("v128", word);
      body.do(storeLane(to, value, 0, 8 * index), storeLane(to, value, 1, 32 + 8 * index));
    });
    return [];
  });

  const powers = i32(module.reserve(3 * ELEMENT));
  /** `a^(2^252 - 3)`, by the usual chain of 252 squarings and 11 products; the comments are exponents. */
  const power = module.function("power", 2, "void", (body, to, a) => {
    const [x, y, z] = elementsFrom(powers, 3);
    const shifted = (into: I32, from: I32, count: number) => {
      body.do(move(into, from), squareTimes(into, i32(count)));
    };
    body.do(square(x, a));
    shifted(y, x, 2);
    body.do(multiply(y, a, y), multiply(x, x, y), square(x, x), multiply(x, y, x)); // 2^5 - 1
    shifted(y, x, 5);
    body.do(multiply(x, y, x)); // 2^10 - 1
    shifted(y, x, 10);
    body.do(multiply(y, y, x)); // 2^20 - 1
    shifted(z, y, 20);
    body.do(multiply(y, z, y), squareTimes(y, i32(10)), multiply(x, y, x)); // 2^50 - 1
    shifted(y, x, 50);
    body.do(multiply(y, y, x)); // 2^100 - 1
    shifted(z, y, 100);
    body.do(multiply(y, z, y), squareTimes(y, i32(50)), multiply(x, y, x)); // 2^250 - 1
    body.do(squareTimes(x, i32(2)), multiply(to, x, a)); // 2^252 - 3
    return [];
  });

  const inverses = i32(module.reserve(2 * ELEMENT));
  /** `1 / a`, which is a^(p - 2) = (a^(2^252 - 3))^8 * a^3; of zero, zero. */
  const invert = module.function("invert", 2, "void", (body, to, a) => {
    const [cube, high] = elementsFrom(inverses, 2);
    body.do(
      square(cube, a),
      multiply(cube, cube, a),
      power(high, a),
      squareTimes(high, i32(3)),
      multiply(to, high, cube),
    );
    return [];
  });

  const SQRT_M1 = constant(SQRT_M1_VALUE);
  const roots = i32(module.reserve(6 * ELEMENT));
  /**
   * SQRT_RATIO_M1 of RFC 9496, section 4.2: the nonnegative root of `u / v`, or of `i * u / v` where that is no square.
   * Gives the lanes where it is one.
   */
  const squareRootOfRatio = module.function("squareRootOfRatio", 3, "v128", (body, to, u, v) => {
    const [cube, seventh, root, check, other, difference] = elementsFrom(roots, 6);
    body.do(
      square(cube, v),
      multiply(cube, cube, v),
      square(seventh, cube),
      multiply(seventh, seventh, v),
      multiply(seventh, seventh, u),
      multiply(cube, cube, u),
      power(root, seventh),
      multiply(root, root, cube),
      square(check, root),
      multiply(check, check, v),
      multiply(other, u, SQRT_M1),
    );
    body.do(subtract(difference, check, u));
    const correct = body.let("v128", isZero(difference));
    body.do(add(difference, check, u));
    const flipped = body.let("v128", isZero(difference));
    body.do(add(difference, check, other));
    const flippedByRoot = body.let("v128", isZero(difference));
    body.do(multiply(other, root, SQRT_M1));
    moveWhere(body, body.let("v128", or(flipped, flippedByRoot)), root, other);
    body.do(absolute(root), move(to, root));
    return or(correct, flipped);
  });

  return {
    multiply,
    square,
    add,
    subtract,
    isZero,
    isNegative,
    absolute,
    fromBytes,
    toBytes,
    invert,
    squareRootOfRatio,
    constant,
    SQRT_M1,
  } satisfies Record<string, Call<"void"> | Call<"v128"> | I32 | ((value: bigint) => I32)>;
}

/** The square root of -1 (RFC 9496, section 4.1). */
const SQRT_M1_VALUE = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;

/** The functions of the field. */
export type Field = ReturnType<typeof defineField>;
