/**
 * Scalars on their way into a multiplication: halved modulo the order, then written in signed digits of four bits.
 *
 * Products are computed of half the scalar, for what is encoded at the end is the double of a point: see encode.ts.
 *
 * @module
 */
import {
  i32,
  i32Add,
  i32Wrap,
  i64,
  i64Add,
  i64And,
  i64Or,
  i64Shl,
  i64ShrS,
  i64ShrU,
  i64Sub,
  load32,
  load64,
  type Module,
  store32,
  store64,
} from "./assembler.ts";

/** The order of the group (RFC 9496, section 4.4). */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** Digits of a scalar: the i-th weighs 16^i. */
export const DIGITS = 64;

/** The 32-bit words of the order, the lowest first. */
export const ORDER_WORDS = Array.from({ length: 8 }, (_, word) => (ORDER >> BigInt(32 * word)) & 0xffffffffn);
const WORD = 0xffffffffn;

/** Adds the functions of scalars to a module. `scratch` is the address of 32 bytes that are wiped with the secrets. */
export function defineDigits(module: Module, scratch: number) {
  /** 1 if a scalar is below the order, else 0: its difference to the order borrows. */
  const isCanonical = module.function("isCanonical", 1, "i32", (body, scalar) => {
    const borrow = body.local("i64");
    borrow.set(i64(0n));
    ORDER_WORDS.forEach((word, index) => {
      borrow.set(i64ShrS(
        i64Add(i64Sub(load32(scalar, 4 * index), i64(word)), borrow.get),
        i64(32n),
      ));
    });
    return i32Wrap(i64And(borrow.get, i64(1n)));
  }, true);

  /** Half of a scalar modulo the order: the order is added to an odd one, which is masked and not decided. */
  const halve = module.function("halve", 1, "void", (body, scalar) => {
    const half = i32(scratch);
    const odd = body.let("i64", i64Sub(i64(0n), i64And(load64(scalar), i64(1n))));
    const sum = body.local("i64");
    sum.set(i64(0n));
    ORDER_WORDS.forEach((word, index) => {
      sum.set(i64Add(
        i64Add(load32(scalar, 4 * index), i64And(odd, i64(word))),
        i64ShrU(sum.get, i64(32n)),
      ));
      body.do(store32(half, i64And(sum.get, i64(WORD)), 4 * index));
    });
    for (const word of [0, 1, 2, 3]) {
      const low = i64ShrU(load64(half, 8 * word), i64(1n));
      const next = word === 3 ? i64(0n) : i64Shl(load64(half, 8 * word + 8), i64(63n));
      body.do(store64(half, i64Or(low, next), 8 * word));
    }
    return [];
  });

  /**
   * Writes the digits of half a scalar, each from -8 to 7, as 64-bit integers 16 bytes apart: one lane of vectors.
   * Half a scalar is below 2^252, so nothing carries out of the last digit.
   */
  const toDigits = module.function("toDigits", 2, "void", (body, to, scalar) => {
    body.do(halve(scalar));
    const carry = body.local("i64");
    const digit = body.local("i64");
    const rest = body.local("i64");
    const target = body.local("i32");
    carry.set(i64(0n));
    target.set(to);
    for (const word of [0, 1, 2, 3]) {
      rest.set(load64(i32(scratch), 8 * word));
      body.repeat(i32(16), () => {
        digit.set(i64Add(i64And(rest.get, i64(15n)), carry.get));
        carry.set(i64ShrU(i64Add(digit.get, i64(8n)), i64(4n)));
        body.do(store64(target.get, i64Sub(digit.get, i64Shl(carry.get, i64(4n)))));
        rest.set(i64ShrU(rest.get, i64(4n)));
        target.set(i32Add(target.get, i32(16)));
      });
    }
    return [];
  });

  return { isCanonical, toDigits };
}

/** The functions of scalars' digits. */
export type Digits = ReturnType<typeof defineDigits>;
