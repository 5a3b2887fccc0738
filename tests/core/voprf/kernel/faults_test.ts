import { assert, assertEquals, assertThrows } from "@std/assert";
import { KernelInstance } from "../../../../core/voprf/kernel/instance.ts";
import { KernelFault } from "../../../../core/voprf/kernel/kernel.ts";
import { probe } from "../../../../core/voprf/kernel/probe.ts";
import { seededRandom } from "../suites.ts";
import {
  derive,
  faultyKernel,
  freshExports,
  freshKernel,
  ORDER,
  Point,
  scalarOf,
  unavailable,
} from "./kernel.ts";

const random = seededRandom("kernel faults");

function test(name: string, fn: () => void): void {
  Deno.test({ name, ignore: unavailable, fn });
}

test("a fault in any coordinate of either lane leaves the kernel as an error, and nothing after it", () => {
  const { layout } = freshExports();
  const elements = Array.from({ length: 4 }, () => derive(random(64)).toBytes());
  for (let coordinate = 0; coordinate < 4; coordinate++) {
    for (let place = 0; place < 5; place++) {
      for (const lane of [0, 1]) {
        const address = layout.PRODUCTS + 320 + 80 * coordinate + 16 * place + 8 * lane;
        const kernel = faultyKernel((memory) => {
          memory.setFloat64(address, memory.getFloat64(address, true) + 1, true);
        });
        assertThrows(() => kernel.multiplyAll(scalarOf(77n), elements), KernelFault, "not on the curve");
        assertThrows(() => kernel.multiplyBase([scalarOf(1n)]), KernelFault, "is broken");
        assertThrows(() => kernel.areElements(elements), KernelFault, "is broken");
      }
    }
  }
  // The same with no fault goes through.
  assertEquals(faultyKernel(() => {}).multiplyAll(scalarOf(77n), elements)?.length, 4);
});

test("points of zeros, which satisfy the equation of the curve, are a fault", () => {
  const { layout } = freshExports();
  const kernel = faultyKernel((memory) =>
    new Uint8Array(memory.buffer).fill(0, layout.PRODUCTS, layout.PRODUCTS + 320)
  );
  assertThrows(() => kernel.multiplyBase([scalarOf(2n)]), KernelFault, "not on the curve");
});

/** Whether bytes occur in memory. */
function occurs(memory: Uint8Array, bytes: Uint8Array): boolean {
  const text = (some: Uint8Array) => some.toHex();
  return text(memory).includes(text(bytes));
}

test("nothing secret stays in memory after a call, whether it succeeds or not", () => {
  const { exports, memory, layout } = freshExports();
  const kernel = new KernelInstance({ exports } as WebAssembly.Instance);
  const scalar = scalarOf(ORDER - 0x1234567890abcdefn ** 4n);
  const elements = Array.from({ length: 3 }, () => derive(random(64)).toBytes());
  const uniforms = [random(64), random(64), random(64)];
  const invalid = new Uint8Array(32).fill(255);
  const calls: Record<string, () => unknown> = {
    multiplyAll: () => kernel.multiplyAll(scalar, elements),
    multiplyEach: () => kernel.multiplyEach([scalar, scalar, scalar], elements),
    "multiplyAll of what is no element": () => kernel.multiplyAll(scalar, [...elements, invalid]),
    multiplyBase: () => kernel.multiplyBase([scalar]),
    mapAndMultiplyAll: () => kernel.mapAndMultiplyAll(scalar, uniforms),
    combine: () => kernel.combine([scalar, scalar, scalar], elements),
    reduceScalar: () => kernel.reduceScalar(random(64)),
    subtractProduct: () => kernel.subtractProduct(scalar, scalar, scalar),
    invertScalars: () => kernel.invertScalars([scalar, scalar]),
    isNonzeroScalar: () => kernel.isNonzeroScalar(scalar),
    "a scalar that is too large": () =>
      assertThrows(() => kernel.multiplyEach([scalar, scalarOf(ORDER)], elements.slice(0, 2)), RangeError),
  };
  for (const [name, call] of Object.entries(calls)) {
    call();
    assert(memory.subarray(layout.SECRETS, layout.END).every((byte) => byte === 0), name);
    for (const secret of [scalar, ...uniforms]) assert(!occurs(memory, secret), name);
  }
  // Derived points are secret too; only decoded ones stay, for a sum over them.
  kernel.mapAndMultiplyAll(scalar, uniforms);
  assert(memory.subarray(layout.POINTS, layout.END).every((byte) => byte === 0));
  kernel.multiplyAll(scalar, elements);
  assert(memory.subarray(layout.POINTS, layout.SECRETS).some((byte) => byte !== 0));
});

test("elements whose decoding ended early are not taken for those before them", () => {
  const { exports } = freshExports();
  const real = exports["decodePoints"] as (pairs: number) => number;
  let breaks = false;
  // The runtime may end any call: its stack is full, say.
  const decodePoints = (pairs: number) => {
    const valid = real(pairs);
    if (breaks) throw new RangeError("Maximum call stack size exceeded");
    return valid;
  };
  const kernel = new KernelInstance({ exports: { ...exports, decodePoints } });
  const [some, others] = [derive(random(64)).toBytes(), derive(random(64)).toBytes()];
  const expected = kernel.multiplyAll(scalarOf(77n), [some]);
  breaks = true;
  assertThrows(() => kernel.multiplyAll(scalarOf(77n), [others]), RangeError, "stack");
  breaks = false;
  assertEquals(kernel.multiplyAll(scalarOf(77n), [some]), expected);
});

test("results are copies: what a caller does to them changes nothing", () => {
  const kernel = freshKernel();
  const [first] = kernel.multiplyBase([scalarOf(1n)]);
  first?.fill(0);
  assertEquals(kernel.multiplyBase([scalarOf(1n)])[0]?.toHex(), Point.BASE.toHex());
});

/** A kernel whose CPU adds in another way than `a * b + c` in one rounding. */
function kernelThatAdds(how: (a: number, b: number, c: number, lane: number) => number): KernelInstance {
  const { exports, memory, layout } = freshExports();
  const numbers = new DataView(memory.buffer);
  const at = (index: number, lane: number) => numbers.getFloat64(layout.INPUT + 16 * index + 8 * lane, true);
  const fusedMultiplyAdd = () => {
    for (const lane of [0, 1]) {
      numbers.setFloat64(layout.OUTPUT + 8 * lane, how(at(0, lane), at(1, lane), at(2, lane), lane), true);
    }
  };
  return new KernelInstance({ exports: { ...exports, fusedMultiplyAdd } });
}

test("probe() finds a multiply-and-add that rounds twice, in one lane alone too", () => {
  const exact = (a: number, b: number, c: number) => a * b + c === 0 && a !== 0 ? 2 ** -104 : a * b + c;
  assertEquals(probe(kernelThatAdds(exact)), undefined);
  const twice = "this CPU's multiply-and-add rounds twice (it is not fused)";
  assertEquals(probe(kernelThatAdds((a, b, c) => a * b + c)), twice);
  for (const broken of [0, 1]) {
    assertEquals(
      probe(kernelThatAdds((a, b, c, lane) => lane === broken ? a * b + c : exact(a, b, c))),
      twice,
    );
  }
});

test("probe() finds a kernel whose products are wrong", () => {
  const { exports, memory, layout } = freshExports();
  const real = exports["encodeProducts"] as (pairs: number) => number;
  let last = 0;
  for (const wrong of [0, 1, 2, 3]) {
    let calls = 0;
    const encodeProducts = (pairs: number) => {
      const valid = real(pairs);
      last = calls;
      if (calls++ === wrong) memory.set([1 ^ (memory[layout.OUTPUT] ?? 0)], layout.OUTPUT);
      return valid;
    };
    const reason = probe(new KernelInstance({ exports: { ...exports, encodeProducts } }));
    assert(reason?.includes("wrong"), `${wrong}`);
  }
  assertEquals(last, 3);
});
