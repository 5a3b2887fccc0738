/**
 * The whole module: its memory, its functions and what it exports.
 *
 * @module
 */
import { i32, i32Add, i32And, i32Mul, load, Module, relaxedMadd, store } from "./assembler.ts";
import { defineCombination, WEIGHTED_DIGITS, WEIGHTED_TABLE } from "./combination.ts";
import { defineDigits } from "./digits.ts";
import { defineField } from "./field.ts";
import { ELEMENT } from "./limbs.ts";
import { defineMultiplication, MULTIPLICATION_LENGTHS } from "./multiplication.ts";
import { definePoints, POINT } from "./points.ts";
import { bothLanes, defineRistretto, PENDING } from "./ristretto.ts";
import { defineScalars } from "./scalars.ts";
import type { BuiltModule } from "./source.ts";

/** Elements that one call takes. */
const CAPACITY = 128;
const PAIRS = CAPACITY / 2;

/** A built module and where its callers put what. */
export interface BuiltKernel extends BuiltModule {
  /** The names of its functions, by index. */
  readonly functions: readonly string[];
}

/**
 * Builds the module; the same bytes every time.
 * @throws {BoundError} If a bound of the limbs cannot be proved.
 */
export function buildKernel(): BuiltKernel {
  const module = new Module();
  // Public: what combinations compute from.
  const tables = module.reserve(PAIRS * WEIGHTED_TABLE);
  const weightDigits = module.reserve(PAIRS * WEIGHTED_DIGITS);
  const valid = module.reserve(PAIRS * 16);
  const pointsAt = module.reserve(PAIRS * POINT);
  // From here on all is secret: it is wiped after every call.
  const input = module.reserve(CAPACITY * 64);
  const scalars = module.reserve(CAPACITY * 32);
  const output = module.reserve(CAPACITY * 32);
  const products = module.reserve(PAIRS * POINT);
  const pending = module.reserve(PAIRS * PENDING);
  const half = module.reserve(32);
  const [table, chosen, multiple, digitsAt] = MULTIPLICATION_LENGTHS.map((length) =>
    module.reserve(length)
  ) as [number, number, number, number];
  const scratch = module.reserve(11 * ELEMENT);
  const mapped = module.reserve(4 * POINT);
  const scalarScratch = module.reserve(4 * 32);

  const field = defineField(module);
  const points = definePoints(module, field);
  const digits = defineDigits(module, half);
  const multiplication = defineMultiplication(module, points, { table, chosen, multiple, digits: digitsAt });
  const ristretto = defineRistretto(module, field, points, { scratch, mapped });
  const combine = defineCombination(
    module,
    { points, multiplication, digits, ristretto },
    { tables, digits: weightDigits, chosen },
  );

  defineScalars(module, { scratch: scalarScratch, prefixes: products, scalars, input, output });

  const at = (base: number, index: ReturnType<typeof i32>, length: number) =>
    i32Add(i32(base), i32Mul(index, i32(length)));

  module.function("fusedMultiplyAdd", 0, "void", (body) => {
    body.do(store(i32(output), relaxedMadd(load(i32(input)), load(i32(input), 16), load(i32(input), 32))));
    return [];
  }, true);
  module.function("decodePoints", 1, "i32", (body, count) => {
    const all = body.local("i32");
    all.set(i32(1));
    body.repeat(count, (pair) => {
      const mask = body.let("v128", ristretto.decode(at(pointsAt, pair, POINT), at(input, pair, 64)));
      body.do(store(at(valid, pair, 16), mask));
      all.set(i32And(all.get, bothLanes(mask)));
    });
    return all.get;
  }, true);
  module.function("derivePoints", 1, "void", (body, count) => {
    body.repeat(count, (pair) => body.do(ristretto.derive(at(pointsAt, pair, POINT), at(input, pair, 128))));
    return [];
  }, true);
  module.function("multiplyPoints", 2, "void", (body, count, stride) => {
    body.repeat(count, (pair) => {
      const scalar = body.let("i32", i32Add(i32(scalars), i32Mul(i32Mul(pair, i32(2)), stride)));
      body.do(
        digits.toDigits(i32(digitsAt), scalar),
        digits.toDigits(i32(digitsAt + 8), i32Add(scalar, stride)),
        multiplication.multiplyPoint(at(products, pair, POINT), at(pointsAt, pair, POINT)),
      );
    });
    return [];
  }, true);
  module.function("combinePoints", 1, "void", (body, count) => {
    body.do(combine(i32(products), i32(pointsAt), i32(scalars), count));
    return [];
  }, true);
  module.function(
    "encodeProducts",
    1,
    "i32",
    (_, count) => ristretto.encodeDoubles(i32(output), i32(products), i32(pending), count),
    true,
  );

  return {
    bytes: module.bytes(),
    functions: module.names(),
    layout: {
      CAPACITY,
      INPUT: input,
      SCALARS: scalars,
      OUTPUT: output,
      VALID: valid,
      POINTS: pointsAt,
      PRODUCTS: products,
      SECRETS: input,
      END: module.end,
    },
    words: { of: "the kernel", layout: "Addresses, and the elements that one call takes" },
  };
}
