import { assert, assertEquals, assertThrows } from "@std/assert";
import { type I32, i32, i32Add, Module, store } from "../../../../core/voprf/kernel/generator/assembler.ts";
import {
  BoundError,
  ELEMENT,
  type Element,
  type Limb,
  Limbs,
  limbsOf,
  P,
  PLACES,
  REDUCED,
} from "../../../../core/voprf/kernel/generator/limbs.ts";
import { unavailable } from "./kernel.ts";

/** Builds a module of one function on the elements at 4096, 4176 and so on; what it computes goes to 8192. */
function build(compute: (limbs: Limbs, ...elements: Element[]) => Element) {
  const module = new Module();
  module.reserve(8192);
  let result: Element = [];
  module.function("f", 0, "void", (body) => {
    const limbs = new Limbs(body, module);
    result = compute(limbs, ...[0, 1, 2, 3].map((n) => limbs.loadElement(i32(4096), n * ELEMENT)));
    result.forEach(({ code }, place) => body.do(store(i32(8192), code, 16 * place)));
    return [];
  }, true);
  const bytes = module.bytes();
  return { bytes, result };
}

/** Formulas that the kernel has, with what they have to give. */
const FORMULAS: Readonly<
  Record<
    string,
    readonly [
      (limbs: Limbs, a: Element, b: Element, c: Element, d: Element) => Element,
      (
        a: bigint,
        b: bigint,
        c: bigint,
        d: bigint,
      ) => bigint,
    ]
  >
> = {
  product: [(o, a, b) => o.carry(o.multiply(a, b)), (a, b) => a * b],
  square: [(o, a) => o.carry(o.square(a)), (a) => a * a],
  "product of a sum and a reduced element": [
    (o, a, b, c) => o.carry(o.multiply(o.add(a, b), c)),
    (a, b, c) => (a + b) * c,
  ],
  "difference of such products": [
    (o, a, b, c, d) =>
      o.carry(o.subtractColumns(o.multiply(o.add(a, b), c), o.multiply(o.subtract(a, b), d))),
    (a, b, c, d) => (a + b) * c - (a - b) * d,
  ],
  "twice a square less a difference of squares": [
    (o, a, b, c) => {
      const cc = o.square(c);
      return o.carry(o.subtractColumns(o.addColumns(cc, cc), o.subtractColumns(o.square(a), o.square(b))));
    },
    (a, b, c) => 2n * c * c - (a * a - b * b),
  ],
  "square of a reduced sum": [(o, a, b) => o.carry(o.square(o.reduce(o.add(a, b)))), (a, b) => (a + b) ** 2n],
  "reduced difference": [(o, a, b) => o.reduce(o.subtract(a, b)), (a, b) => a - b],
};

const WEIGHTS = [0n, 51n, 102n, 153n, 204n];
const valueOf = (limbs: readonly bigint[]) =>
  limbs.reduce((sum, limb, i) => sum + (limb << (WEIGHTS[i] ?? 0n)), 0n);
const modulo = (value: bigint) => ((value % P) + P) % P;

/** Elements at the corners of what an element may be, and with random signs and sizes there. */
function* corners(): Generator<bigint[][]> {
  for (let bits = 0; bits < 1024; bits++) {
    const signs = (shift: number) => PLACES.map((i) => (bits >> (shift + i)) & 1 ? REDUCED : -REDUCED);
    yield [signs(0), signs(5), signs(2), signs(3)];
    yield [signs(0).map((limb) => limb / 2n + 3n), signs(5), signs(5).map((limb) => -limb), signs(0)];
  }
  const single = PLACES.map((i) => PLACES.map((j) => i === j ? REDUCED : 0n));
  for (const a of single) for (const b of single) yield [a, b, a, b];
}

for (const [name, [compute, expected]] of Object.entries(FORMULAS)) {
  Deno.test({
    name: `at the bounds of its arguments, a ${name} is right and within the bounds that were computed`,
    ignore: unavailable,
    fn() {
      const { bytes, result } = build((limbs, ...elements) => {
        const [a = [], b = [], c = [], d = []] = elements;
        return compute(limbs, a, b, c, d);
      });
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
      const memory = new Float64Array((exports["memory"] as WebAssembly.Memory).buffer as ArrayBuffer);
      const run = exports["f"] as () => void;
      for (const elements of corners()) {
        // The other lane has the elements negated.
        elements.forEach((limbs, n) =>
          limbs.forEach((limb, i) => memory.set([Number(limb), -Number(limb)], 512 + 10 * n + 2 * i))
        );
        run();
        for (const lane of [0, 1]) {
          const limbs = PLACES.map((i) => BigInt(memory[1024 + 2 * i + lane] ?? NaN));
          const [a = 0n, b = 0n, c = 0n, d = 0n] = elements.map((element) =>
            lane === 0 ? valueOf(element) : -valueOf(element)
          );
          assertEquals(modulo(valueOf(limbs)), modulo(expected(a, b, c, d)));
          limbs.forEach((limb, i) => {
            const { low = 0n, high = 0n } = result[i] ?? {};
            assert(low <= limb && limb <= high, `${limb} is not in [${low}, ${high}]`);
            assert(-REDUCED <= low && high <= REDUCED);
          });
        }
      }
    },
  });
}

Deno.test("a limb cannot be generated beyond what its lemma holds for", () => {
  const widest = (limbs: Limbs, a: Element, b: Element) => limbs.add(limbs.add(a, b), limbs.add(a, b));
  const faults: Record<string, (limbs: Limbs, a: Element, b: Element) => Element> = {
    "a product of two sums": (o, a, b) => o.carry(o.multiply(o.add(a, b), o.add(a, b))),
    "a product of a sum of four": (o, a, b) => o.carry(o.multiply(widest(o, a, b), a)),
    "a square of a sum": (o, a, b) => o.carry(o.square(o.add(a, b))),
    "columns that 2^62 does not lift": (o, a, b) => {
      let columns = o.multiply(a, b);
      for (let doubling = 0; doubling < 7; doubling++) columns = o.addColumns(columns, columns);
      return o.carry(columns);
    },
    "a double beyond 2^53": (o, a, b) => o.add(widest(o, a, b), o.add(widest(o, a, b), widest(o, a, b))),
  };
  for (const [name, compute] of Object.entries(faults)) {
    assertThrows(
      () =>
        build((limbs, ...elements) => {
          const [a = [], b = []] = elements;
          return compute(limbs, a, b);
        }),
      BoundError,
      "Cannot prove",
      name,
    );
  }
});

Deno.test("an element that is not reduced cannot be stored, and one of 2^51 cannot be frozen", () => {
  const attempt = (use: (limbs: Limbs, a: Element, to: I32) => void) => () => {
    const module = new Module();
    module.function("f", 1, "void", (body, address) => {
      const limbs = new Limbs(body, module);
      const a = limbs.loadElement(address);
      use(limbs, a, i32Add(address, i32(ELEMENT)));
      return [];
    });
  };
  assertThrows(attempt((limbs, a, to) => limbs.storeElement(to, limbs.add(a, a))), BoundError, "is reduced");
  assertThrows(
    attempt((limbs, a) => limbs.freeze(limbs.add(a, a))),
    BoundError,
    "four p make a limb positive",
  );
  const beyond: Limb = { code: [], low: 0n, high: REDUCED + 1n };
  assertThrows(attempt((limbs, a, to) => limbs.storeElement(to, [beyond, ...a.slice(1)])), BoundError);
  attempt((limbs, a, to) => limbs.storeElement(to, limbs.reduce(limbs.add(a, a))))();
});

Deno.test("limbsOf() gives reduced limbs of every constant", () => {
  for (
    const value of [
      0n,
      1n,
      P - 1n,
      2n ** 254n,
      2n ** 255n - 20n,
      (P - 1n) / 2n,
      (P + 1n) / 2n,
      2n ** 255n - 2n ** 203n,
    ]
  ) {
    const limbs = limbsOf(value);
    assertEquals(modulo(valueOf(limbs)), value % P);
    assert(limbs.every((limb) => -REDUCED <= limb && limb <= REDUCED));
  }
  assertThrows(() => limbsOf(2n ** 256n), BoundError, "a constant is reduced");
});

Deno.test({
  name: "at the bounds of an element, and around 0 and p, freeze() gives the number from 0 to p - 1",
  ignore: unavailable,
  fn() {
    const module = new Module();
    module.reserve(8192);
    module.function("f", 0, "void", (body) => {
      const limbs = new Limbs(body, module);
      limbs.freeze(limbs.loadElement(i32(4096))).forEach((code, i) =>
        body.do(store(i32(8192), code, 16 * i))
      );
      return [];
    }, true);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()));
    const { buffer } = exports["memory"] as WebAssembly.Memory;
    const [doubles, integers] = [
      new Float64Array(buffer as ArrayBuffer),
      new BigInt64Array(buffer as ArrayBuffer),
    ];
    const near = [-2n, -1n, 0n, 1n, 2n, 18n, 19n, 20n].flatMap((small) =>
      [0n, P, 2n ** 254n, -P].map((base) => {
        let rest = base + small;
        return PLACES.map((i) => {
          const limb = i === 4 ? rest : BigInt.asIntN(51, rest);
          rest = (rest - limb) >> 51n;
          return limb;
        });
      })
    ).filter((limbs) => limbs.every((limb) => -REDUCED <= limb && limb <= REDUCED));
    for (const elements of [...corners(), ...near.map((limbs) => [limbs])]) {
      for (const limbs of elements) {
        limbs.forEach((limb, i) => doubles.set([Number(limb), -Number(limb)], 512 + 2 * i));
        (exports["f"] as () => void)();
        for (const lane of [0, 1]) {
          const frozen = PLACES.map((i) => integers[1024 + 2 * i + lane] ?? -1n);
          assertEquals(valueOf(frozen), modulo(lane === 0 ? valueOf(limbs) : -valueOf(limbs)));
          assert(frozen.every((limb) => limb >= 0n && limb < 2n ** 51n));
        }
      }
    }
  },
});
