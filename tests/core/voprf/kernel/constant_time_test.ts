import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  i32,
  i32Wrap,
  i64,
  i64Add,
  load,
  load64,
  Module,
  store,
  type V128,
} from "../../../../core/voprf/kernel/generator/assembler.ts";
import { buildKernel } from "../../../../core/voprf/kernel/generator/build.ts";
import { listModule } from "./taint.ts";

const { bytes, functions } = buildKernel();
const listing = listModule(bytes, functions);

/** Uses that the analysis takes for those of secrets, and why they are none. Everything else is computed in the dark. */
const DECLASSIFIED: Readonly<Record<string, readonly string[]>> = {
  // The digits of public weights: which multiples they take, and whether there is anything to add.
  takeSummand: Array.from({ length: 40 }, () => "v128.load64_lane"),
  combine: ["if"],
  // Whether all of a batch are on the curve. If not, the process learns of a fault and nothing else.
  encodeDoubles: ["if"],
  // Bits of the order less two, a constant.
  invertScalars: ["if"],
};

Deno.test("no branch, address, length or call of the kernel depends on a secret", () => {
  for (const { name, secretUses } of listing) {
    assertEquals(secretUses, DECLASSIFIED[name] ?? [], name);
  }
});

/** Every loop, and how far it counts. Each `br_if` of the module is the end of one. */
const LOOPS: Readonly<Record<string, readonly string[]>> = {
  squareTimes: ["as often as its caller says in the code"],
  toDigits: Array.from({ length: 4 }, () => "the 16 digits of a word"),
  fillTable: ["the multiples from 3 to 8"],
  multiplyPoint: ["the 62 digits between the first and the last"],
  encodeDoubles: ["the pairs", "the pairs"],
  combine: ["the pairs", "the 64 digits", "the pairs"],
  montgomery: ["the 8 words of a scalar"],
  invertScalars: ["the scalars", "the 8 words of the exponent", "its 32 bits", "the scalars"],
  decodePoints: ["the pairs"],
  derivePoints: ["the pairs"],
  multiplyPoints: ["the pairs"],
};

Deno.test("every br_if of the kernel ends a loop of a known length, and there is no other jump", () => {
  for (const { name, loops, instructions } of listing) {
    assertEquals(loops, LOOPS[name]?.length ?? 0, name);
    assertEquals(instructions["br_if"] ?? 0, instructions["loop"] ?? 0, name);
    assertEquals(
      instructions["if"] ?? 0,
      DECLASSIFIED[name]?.filter((use) => use === "if").length ?? 0,
      name,
    );
  }
});

/**
 * Functions with accesses at addresses that are not in the code, and whose they are: a parameter's, which the code of
 * another function or the count of a loop decides. All others touch fixed places only.
 */
const MOVING: Readonly<Record<string, string>> = {
  multiply: "operands",
  square: "operands",
  add: "operands",
  subtract: "operands",
  isZero: "the operand",
  isNegative: "the operand",
  absolute: "the operand",
  fromBytes: "the string and the result",
  toBytes: "the operand and the string",
  squareRootOfRatio: "the result",
  neutral: "the result",
  double: "the point and the result",
  doubleWithT: "the point and the result",
  addPoint: "the points and the result",
  addPointWithT: "the points and the result",
  isCanonical: "the scalar",
  halve: "the scalar",
  toDigits: "the digits, one after the other",
  chooseSummand: "the digit: by the count of the window",
  decode: "the string and the point",
  addLanes: "the point",
  derive: "the points",
  gather: "the pair's place in the batch",
  encode: "the pair's place in the batch",
  takeSummand: "public digits",
  combine: "the pair's place in the batch",
  montgomery: "the scalars",
  subtractScalars: "the scalars",
  invertScalars: "the scalar's place in the batch",
  decodePoints: "the pair's place in the batch",
};

Deno.test("accesses of the kernel at addresses that are not in the code are those with a reason", () => {
  assertEquals(
    listing.filter(({ movingAddresses }) => movingAddresses > 0).map(({ name }) => name).toSorted(),
    Object.keys(MOVING).toSorted(),
  );
});

Deno.test("the choice from the table of a secret multiplication reads every entry at fixed addresses", () => {
  const choose = listing.find(({ name }) => name === "chooseSummand");
  // The digit alone is at a moving address.
  assertEquals(choose?.movingAddresses, 1);
  // 8 entries of 20 vectors, besides the digit, 9 multiples, a sign, and what stands for zero.
  const { "v128.load": loads = 0 } = choose?.instructions ?? {};
  assert(loads > 8 * 20, `${loads}`);
});

Deno.test("the kernel's memory is bounded, and it imports nothing", () => {
  const module = new WebAssembly.Module(bytes);
  assertEquals(WebAssembly.Module.imports(module), []);
  const memory = new WebAssembly.Instance(module).exports["memory"] as WebAssembly.Memory;
  assertThrows(() => memory.grow(1), RangeError);
});

/** A module of one function. */
function moduleOf(build: (module: Module) => void): ReturnType<typeof listModule> {
  const module = new Module();
  build(module);
  return listModule(module.bytes(), module.names());
}

Deno.test("listModule() finds a planted use of a secret: as address, condition, argument, also around a loop", () => {
  const secret = () => i32Wrap(load64(i32(64)));
  const planted = {
    address: moduleOf((module) =>
      module.function("f", 0, "void", (body) => {
        body.do(store(i32(0), load(secret()) as V128));
        return [];
      })
    ),
    condition: moduleOf((module) =>
      module.function("f", 0, "void", (body) => {
        body.when(secret(), () => {});
        return [];
      })
    ),
    count: moduleOf((module) =>
      module.function("f", 0, "void", (body) => {
        body.repeat(secret(), () => {});
        return [];
      })
    ),
    argument: moduleOf((module) => {
      const callee = module.function("g", 1, "void", () => []);
      module.function("f", 0, "void", (body) => {
        body.do(callee(secret()));
        return [];
      });
    }),
    loop: moduleOf((module) =>
      module.function("f", 0, "void", (body) => {
        const late = body.local("i64");
        late.set(i64(0n));
        body.repeat(i32(2), () => {
          body.when(i32Wrap(late.get), () => {});
          late.set(i64Add(late.get, load64(i32(64))));
        });
        return [];
      })
    ),
  };
  for (const [name, listed] of Object.entries(planted)) {
    assertEquals(listed.find((f) => f.name === "f")?.secretUses.length, 1, name);
  }
});
