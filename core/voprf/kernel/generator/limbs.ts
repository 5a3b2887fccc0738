/**
 * Numbers modulo p = 2^255 - 19 in five limbs of 51 bits, two numbers side by side: the code that computes on limbs,
 * and the proof that no limb overflows.
 *
 * Every value carries the interval of what it can be. An operation computes the interval of its result from those of
 * its arguments, and throws where its lemma does not hold: so a module that was generated is proved, and one that
 * could overflow cannot be generated. Intervals begin at {@linkcode loadElement}, which assumes {@linkcode REDUCED},
 * and end at {@linkcode storeElement}, which demands it; whatever control flow lies between two functions, elements in
 * memory stay within it.
 *
 * @module
 */
import {
  and,
  type Body,
  f64x2Add,
  f64x2Sub,
  type I32,
  i32,
  i64x2Add,
  i64x2Shl,
  i64x2ShrU,
  i64x2Sub,
  load,
  type Local,
  type Module,
  or,
  relaxedMadd,
  store,
  type V128,
} from "./assembler.ts";

/** The prime (RFC 9496, section 4.1). */
export const P = 2n ** 255n - 19n;
/** Bits of a limb. */
const BITS = 51n;
const LIMB = 2n ** BITS;
/** The places of the limbs. */
export const PLACES = [0, 1, 2, 3, 4] as const;
/** Bytes of an element in memory: five vectors. */
export const ELEMENT = 80;
/** The largest magnitude of a limb of an element in memory. Limbs are signed, so half a limb and what carries add. */
export const REDUCED = 2n ** 50n + 2n ** 12n;

/** From `low` to `high`, both included. */
interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

/** A limb: an integer, held exactly as a double. */
export interface Limb extends Interval {
  readonly code: V128;
}

/** An integer in 64 bits plus a constant: the lanes hold `value + bias` modulo 2^64. */
export interface Wide extends Interval {
  readonly code: V128;
  readonly bias: bigint;
}

/** Five limbs, the lowest first. */
export type Element = readonly Limb[];
/** Five columns of sums of products, the lowest first. */
export type WideElement = readonly Wide[];

/** An item that is known to be there. */
function itemAt<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`Cannot generate: there is no item ${index}`);
  return item;
}

/** A bound that does not hold: the module is not generated. */
export class BoundError extends Error {}

function demand(holds: boolean, lemma: string, { low, high }: Interval): void {
  if (!holds) throw new BoundError(`Cannot prove: ${lemma}, for [${low}, ${high}]`);
}

const add = (a: Interval, b: Interval) => ({ low: a.low + b.low, high: a.high + b.high });
const subtract = (a: Interval, b: Interval) => ({ low: a.low - b.high, high: a.high - b.low });
const magnitude = ({ low, high }: Interval) => -low > high ? -low : high;
function multiply(a: Interval, b: Interval): Interval {
  const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  return {
    low: corners.reduce((x, y) => x < y ? x : y),
    high: corners.reduce((x, y) => x > y ? x : y),
  };
}

/** The bits of a double. */
export function bitsOf(value: number): bigint {
  return new DataView(new Float64Array([value]).buffer).getBigUint64(0, true);
}

/** The limbs of a constant, centred around zero as it is itself, so that they are reduced. */
export function limbsOf(value: bigint): bigint[] {
  let rest = value > P / 2n ? value - P : value;
  return PLACES.map((place) => {
    const limb = place === 4 ? rest : BigInt.asIntN(Number(BITS), rest);
    demand(magnitude({ low: limb, high: limb }) <= REDUCED, "a constant is reduced", {
      low: limb,
      high: limb,
    });
    rest = (rest - limb) >> BITS;
    return limb;
  });
}

const HIGH = 1.5 * 2 ** 103;
const LOW = 1.5 * 2 ** 52;
const HIGH_BIAS = bitsOf(HIGH);
const LOW_BIAS = bitsOf(LOW);
/** What is added before the carries so that all that is shifted is positive: a multiple of 2^51. */
const LIFT = 2n ** 62n;

/** Writes code on limbs into the body of a function, and proves it. */
export class Limbs {
  readonly #body: Body;
  readonly #module: Module;

  constructor(body: Body, module: Module) {
    this.#body = body;
    this.#module = module;
  }

  /** A constant of both lanes. It is read from memory: engines rebuild vector constants of code at every use. */
  #constant(bits: bigint): V128 {
    return load(i32(this.#module.vectors(bits)));
  }
  #double(value: number): V128 {
    return this.#constant(bitsOf(value));
  }

  #limb(code: V128, interval: Interval): Limb {
    demand(magnitude(interval) <= 2n ** 53n, "a double holds an integer exactly", interval);
    return { code: this.#body.let("v128", code), ...interval };
  }
  #wide(code: V128, bias: bigint, interval: Interval): Wide {
    return { code: this.#body.let("v128", code), bias, ...interval };
  }

  /** Reads an element, which is reduced. */
  loadElement(address: I32, offset = 0): Element {
    return PLACES.map((place) =>
      this.#limb(load(address, offset + 16 * place), { low: -REDUCED, high: REDUCED })
    );
  }

  /** Writes an element, which must be reduced. */
  storeElement(address: I32, element: Element, offset = 0): void {
    element.forEach((limb, place) => {
      demand(magnitude(limb) <= REDUCED, "an element in memory is reduced", limb);
      this.#body.do(store(address, limb.code, offset + 16 * place));
    });
  }

  /** The sum, limb by limb. */
  add(a: Element, b: Element): Element {
    return PLACES.map((i) =>
      this.#limb(f64x2Add(itemAt(a, i).code, itemAt(b, i).code), add(itemAt(a, i), itemAt(b, i)))
    );
  }

  /** The difference, limb by limb. */
  subtract(a: Element, b: Element): Element {
    return PLACES.map((i) =>
      this.#limb(f64x2Sub(itemAt(a, i).code, itemAt(b, i).code), subtract(itemAt(a, i), itemAt(b, i)))
    );
  }

  /**
   * Carries in doubles. Adding and taking away 1.5 * 2^103 rounds to a multiple of 2^51; what was rounded off goes to
   * the next place. Everything is exact, so it does not matter whether the last step is fused.
   */
  reduce(a: Element): Element {
    const magic = this.#body.let("v128", this.#double(HIGH));
    const carried = PLACES.map((i) => {
      const limb = itemAt(a, i);
      demand(magnitude(limb) <= 2n ** 53n, "the carry is rounded in one binade", limb);
      const code = this.#body.let("v128", f64x2Sub(f64x2Add(limb.code, magic), magic));
      const most = (magnitude(limb) + LIMB / 2n) / LIMB;
      return { code, rest: this.#body.let("v128", f64x2Sub(limb.code, code)), most };
    });
    return PLACES.map((i) => {
      const from = itemAt(carried, (i + 4) % 5);
      const weight = i === 0 ? 19n : 1n;
      const bound = LIMB / 2n + weight * from.most;
      return this.#limb(
        relaxedMadd(from.code, this.#double(Number(weight) / 2 ** 51), itemAt(carried, i).rest),
        { low: -bound, high: bound },
      );
    });
  }

  /**
   * Splits a product into `2^51 * high + low` and adds both to their columns.
   *
   * `high = fma(a, b, 1.5 * 2^103)` lies in [2^103, 2^104], whose doubles are the multiples of 2^51, if
   * |ab| <= 2^102: it is the product rounded to one, and its bits count them. `fma(a, b, C - high)` with
   * C = 1.5 * 2^103 + 1.5 * 2^52 is then 1.5 * 2^52 plus what was rounded off, at most 2^50: exact, and its bits are
   * that integer and a constant. C - high is exact, for it is a multiple of 2^51 below 2^104.
   */
  #addProduct(a: Limb, b: Limb, place: number, columns: Columns, constants: SplitConstants): void {
    const product = multiply(a, b);
    demand(magnitude(product) <= 2n ** 102n, "a product of limbs splits exactly", product);
    const { high, magic, both } = constants;
    high.set(relaxedMadd(a.code, b.code, magic));
    columns.add(place, relaxedMadd(a.code, b.code, f64x2Sub(both, high.get)), LOW_BIAS, {
      low: -LIMB / 2n,
      high: LIMB / 2n,
    });
    columns.add(place + 1, high.get, HIGH_BIAS, {
      low: (product.low - LIMB / 2n) / LIMB,
      high: (product.high + LIMB / 2n) / LIMB,
    });
  }

  #columnsOf(write: (columns: Columns, constants: SplitConstants) => void): WideElement {
    const result = PLACES.map(() => this.#body.local("v128"));
    let intervals: Omit<Wide, "code">[] = [];
    this.#body.scope(() => {
      const columns = new Columns(this.#body);
      write(columns, {
        high: this.#body.local("v128"),
        magic: this.#body.let("v128", this.#double(HIGH)),
        both: this.#body.let("v128", this.#double(HIGH + LOW)),
      });
      // The columns from 2^255 on weigh 19 times what those five places below weigh.
      intervals = PLACES.map((place) => {
        const sum = this.addWide(columns.at(place), this.times19(columns.at(place + 5)));
        itemAt(result, place).set(sum.code);
        return { bias: sum.bias, low: sum.low, high: sum.high };
      });
    });
    return intervals.map((interval, place) => ({ ...interval, code: itemAt(result, place).get }));
  }

  /** The product, in columns. */
  multiply(a: Element, b: Element): WideElement {
    return this.#columnsOf((columns, constants) => {
      for (let column = 0; column <= 8; column++) {
        for (const i of PLACES) {
          const limb = b[column - i];
          if (limb !== undefined) this.#addProduct(itemAt(a, i), limb, column, columns, constants);
        }
      }
    });
  }

  /** The square, in columns: products of two unlike limbs once, with one of them doubled. */
  square(a: Element): WideElement {
    return this.#columnsOf((columns, constants) => {
      const doubled = this.add(a, a);
      for (let column = 0; column <= 8; column++) {
        for (const i of PLACES) {
          const limb = a[column - i];
          if (limb === undefined || column - i < i) continue;
          this.#addProduct(
            column === 2 * i ? itemAt(a, i) : itemAt(doubled, i),
            limb,
            column,
            columns,
            constants,
          );
        }
      }
    });
  }

  /** The sum of two columns. */
  addWide(a: Wide, b: Wide): Wide {
    return this.#wide(i64x2Add(a.code, b.code), a.bias + b.bias, add(a, b));
  }

  /** The sum, column by column. */
  addColumns(a: WideElement, b: WideElement): WideElement {
    return PLACES.map((i) => this.addWide(itemAt(a, i), itemAt(b, i)));
  }

  /** The difference, column by column. */
  subtractColumns(a: WideElement, b: WideElement): WideElement {
    return PLACES.map((i) =>
      this.#wide(
        i64x2Sub(itemAt(a, i).code, itemAt(b, i).code),
        itemAt(a, i).bias - itemAt(b, i).bias,
        subtract(itemAt(a, i), itemAt(b, i)),
      )
    );
  }

  /** 19 times an integer, by shifts: engines multiply lanes of 64 bits slowly. */
  times19({ code, bias, low, high }: Wide): Wide {
    const product = i64x2Add(i64x2Add(code, i64x2Shl(code, 1)), i64x2Shl(code, 4));
    return this.#wide(product, 19n * bias, { low: 19n * low, high: 19n * high });
  }

  /**
   * Carries all columns at once into reduced limbs. A column S plus 2^62 + 2^50 is positive; its bits from 2^51 on go
   * to the next place (19 times to the lowest), and those below, as the mantissa of a double from 2^52 on, stay.
   */
  carry(columns: WideElement): Element {
    const mask = this.#body.let("v128", this.#constant(LIMB - 1n));
    const exponent = this.#body.let("v128", this.#double(2 ** 52));
    const parts = columns.map(({ code, bias, low, high }) => {
      const lifted = { low: low + LIFT + LIMB / 2n, high: high + LIFT + LIMB / 2n };
      demand(lifted.low >= 0n && lifted.high < 2n ** 63n, "a column is positive after the lift", lifted);
      const sum = this.#body.let("v128", i64x2Add(code, this.#constant(LIFT + LIMB / 2n - bias)));
      return {
        rest: this.#body.let("v128", or(and(sum, mask), exponent)),
        carry: this.#wide(i64x2ShrU(sum, Number(BITS)), 0n, {
          low: lifted.low >> BITS,
          high: lifted.high >> BITS,
        }),
      };
    });
    return PLACES.map((i) => {
      const previous = itemAt(parts, (i + 4) % 5).carry;
      const carry = i === 0 ? this.times19(previous) : previous;
      const lift = (LIFT >> BITS) * (i === 0 ? 19n : 1n);
      const mantissa = { low: carry.low, high: carry.high + LIMB - 1n };
      demand(mantissa.high < 2n ** 52n, "a carry stays within the mantissa", mantissa);
      const offset = LIMB / 2n + lift;
      return this.#limb(
        f64x2Sub(i64x2Add(itemAt(parts, i).rest, carry.code), this.#double(2 ** 52 + Number(offset))),
        { low: mantissa.low - offset, high: mantissa.high - offset },
      );
    });
  }

  /**
   * The number itself, from 0 to p - 1, in five integers of 51 bits.
   *
   * Four times p makes all limbs positive. Two rounds of carries leave a number below 2^255 + 2^51; adding 19 then
   * carries out of the highest limb if and only if it is p or more, and that carry is what is taken away as 19.
   */
  freeze(a: Element): V128[] {
    const body = this.#body;
    const mask = body.let("v128", this.#constant(LIMB - 1n));
    const magic = body.let("v128", this.#double(LOW));
    let limbs: Wide[] = a.map((limb, i) => {
      demand(magnitude(limb) < 2n ** 51n, "four p make a limb positive", limb);
      const fourP = 4n * (LIMB - (i === 0 ? 19n : 1n));
      return this.#wide(
        i64x2Add(f64x2Add(limb.code, magic), this.#constant(fourP - LOW_BIAS)),
        0n,
        add(limb, { low: fourP, high: fourP }),
      );
    });
    /** One round of carries from the lowest place; gives the limbs and what leaves the highest. */
    const round = (from: Wide[], into: Wide): { limbs: Wide[]; out: Wide } => {
      let carry = into;
      const rounded = from.map((limb) => {
        const sum = this.addWide(limb, carry);
        demand(sum.low >= 0n && sum.high < 2n ** 63n, "a limb is positive", sum);
        carry = this.#wide(i64x2ShrU(sum.code, Number(BITS)), 0n, {
          low: sum.low >> BITS,
          high: sum.high >> BITS,
        });
        const high = sum.high < LIMB ? sum.high : LIMB - 1n;
        return this.#wide(and(sum.code, mask), 0n, { low: 0n, high });
      });
      return { limbs: rounded, out: carry };
    };
    const constant = (value: bigint): Wide => ({
      code: this.#constant(value),
      bias: 0n,
      low: value,
      high: value,
    });
    for (let pass = 0; pass < 2; pass++) {
      const { limbs: rounded, out } = round(limbs, constant(0n));
      limbs = [this.addWide(itemAt(rounded, 0), this.times19(out)), ...rounded.slice(1)];
    }
    // Now the value is below 2^255 + 19 * (a carry of at most 1): below 2p, so one p at most is to be taken away.
    const { out } = round(limbs, constant(19n));
    demand(out.high <= 1n, "one p at most is taken away", out);
    const { limbs: frozen } = round(limbs, this.times19(out));
    return frozen.map(({ code }) => code);
  }

  /** Integers of 51 bits, as what {@linkcode freeze} gives, as limbs that are reduced. */
  fromIntegers(integers: readonly V128[]): Element {
    const exponent = this.#body.let("v128", this.#double(2 ** 52));
    return this.reduce(
      integers.map((code) =>
        this.#limb(f64x2Sub(or(code, exponent), exponent), { low: 0n, high: LIMB - 1n })
      ),
    );
  }
}

/** What splitting a product needs. */
interface SplitConstants {
  readonly high: Local<"v128">;
  readonly magic: V128;
  readonly both: V128;
}

/** Ten sums of halves of products; each starts with what is added to it first. */
class Columns {
  readonly #body: Body;
  readonly #sums: { local: Local<"v128">; bias: bigint; low: bigint; high: bigint }[] = [];

  constructor(body: Body) {
    this.#body = body;
  }

  add(place: number, code: V128, bias: bigint, interval: Interval): void {
    const sum = this.#sums[place];
    if (sum === undefined) {
      const local = this.#body.local("v128");
      local.set(code);
      this.#sums[place] = { local, bias, ...interval };
    } else {
      sum.local.set(i64x2Add(sum.local.get, code));
      Object.assign(sum, { bias: sum.bias + bias, ...add(sum, interval) });
    }
  }

  at(place: number): Wide {
    const { local, bias, low, high } = itemAt(this.#sums, place);
    return { code: local.get, bias, low, high };
  }
}
