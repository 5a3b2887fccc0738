/**
 * Functions of the module on points of edwards25519, two side by side, in extended coordinates (X : Y : Z : T) with
 * x = X/Z, y = Y/Z, xy = T/Z. The formulas are complete: no point needs a case of its own.
 *
 * @module
 */
import { type Call, type I32, i32, load, type Module, store, zero } from "./assembler.ts";
import { at, type Field } from "./field.ts";
import { bitsOf, ELEMENT, type Element, Limbs, P } from "./limbs.ts";

/** Bytes of a point: X, Y, Z, T. */
export const POINT = 4 * ELEMENT;
/** Bytes of a point as the second summand: Y - X, Y + X, 2Z, 2dT. */
export const SUMMAND = 4 * ELEMENT;

/** d of the curve -x^2 + y^2 = 1 + d x^2 y^2 (RFC 9496, section 4.1). */
export const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** The coordinates of a point in memory. */
export const coordinates = (point: I32): [x: I32, y: I32, z: I32, t: I32] => [
  point,
  at(point, 1),
  at(point, 2),
  at(point, 3),
];

/** Adds the functions of points to a module. */
export function definePoints(module: Module, field: Field) {
  const TWICE_D = field.constant(2n * D % P);
  const one = () => load(i32(module.vectors(bitsOf(1))));

  /** Writes a function whose limbs stay in registers throughout. */
  function define(name: string, parameters: number, compute: (limbs: Limbs, ...addresses: I32[]) => void) {
    return module.function(name, parameters, "void", (body, ...addresses) => {
      compute(new Limbs(body, module), ...addresses);
      return [];
    });
  }
  /** X = EF, Y = GH, Z = FG and, if asked, T = EH: both formulas end so. */
  function finish(limbs: Limbs, to: I32, e: Element, f: Element, g: Element, h: Element, withT: boolean) {
    limbs.storeElement(to, limbs.carry(limbs.multiply(e, f)));
    limbs.storeElement(to, limbs.carry(limbs.multiply(g, h)), ELEMENT);
    limbs.storeElement(to, limbs.carry(limbs.multiply(f, g)), 2 * ELEMENT);
    if (withT) limbs.storeElement(to, limbs.carry(limbs.multiply(e, h)), 3 * ELEMENT);
  }

  /**
   * Doubling, dbl-2008-hwcd for a = -1 with F and H of the other sign, which negates all four coordinates and so
   * leaves the point. T of the argument is not read.
   */
  const defineDouble = (name: string, withT: boolean) =>
    define(name, 2, (limbs, to, p) => {
      const x = limbs.loadElement(p);
      const y = limbs.loadElement(p, ELEMENT);
      const xx = limbs.square(x);
      const yy = limbs.square(y);
      const sum = limbs.addColumns(xx, yy);
      const difference = limbs.subtractColumns(yy, xx);
      const zz = limbs.square(limbs.loadElement(p, 2 * ELEMENT));
      const e = limbs.carry(
        limbs.subtractColumns(limbs.square(limbs.reduce(limbs.add(x, y))), sum),
      );
      const f = limbs.carry(limbs.subtractColumns(limbs.addColumns(zz, zz), difference));
      const g = limbs.carry(difference);
      const h = limbs.carry(sum);
      finish(limbs, to, e, f, g, h, withT);
    });

  /** Addition of a summand, add-2008-hwcd-3. */
  const defineAdd = (name: string, withT: boolean) =>
    define(name, 3, (limbs, to, p, summand) => {
      const x = limbs.loadElement(p);
      const y = limbs.loadElement(p, ELEMENT);
      const a = limbs.multiply(limbs.subtract(y, x), limbs.loadElement(summand));
      const b = limbs.multiply(limbs.add(y, x), limbs.loadElement(summand, ELEMENT));
      const e = limbs.carry(limbs.subtractColumns(b, a));
      const h = limbs.carry(limbs.addColumns(b, a));
      const d = limbs.multiply(
        limbs.loadElement(p, 2 * ELEMENT),
        limbs.loadElement(summand, 2 * ELEMENT),
      );
      const c = limbs.multiply(
        limbs.loadElement(p, 3 * ELEMENT),
        limbs.loadElement(summand, 3 * ELEMENT),
      );
      const f = limbs.carry(limbs.subtractColumns(d, c));
      const g = limbs.carry(limbs.addColumns(d, c));
      finish(limbs, to, e, f, g, h, withT);
    });

  /** A point as a summand. */
  const toSummand = module.function("toSummand", 2, "void", (body, to, point) => {
    const [x, y, z, t] = coordinates(point);
    const [minus, plus, twiceZ, twiceDT] = coordinates(to);
    body.do(
      field.subtract(minus, y, x),
      field.add(plus, y, x),
      field.add(twiceZ, z, z),
      field.multiply(twiceDT, t, TWICE_D),
    );
    return [];
  });

  /** The neutral point. */
  const neutral: Call<"void"> = module.function("neutral", 1, "void", (body, to) => {
    body.do(zero(to, i32(POINT)), store(to, one(), ELEMENT), store(to, one(), 2 * ELEMENT));
    return [];
  });

  return {
    double: defineDouble("double", false),
    doubleWithT: defineDouble("doubleWithT", true),
    add: defineAdd("addPoint", false),
    addWithT: defineAdd("addPointWithT", true),
    toSummand,
    neutral,
  };
}

/** The functions of points. */
export type Points = ReturnType<typeof definePoints>;
