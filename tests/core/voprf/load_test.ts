import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { LAYOUT } from "../../../core/voprf/kernel/binary.ts";
import { loadSuites } from "../../../core/voprf/load.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import type { KernelName } from "../../../core/voprf/suite.ts";
import { unavailable } from "./kernel/kernel.ts";

/** Runs `load` on a runtime without a part of WebAssembly, and gives it back. */
async function without<T>(owner: object, name: string, load: () => Promise<T>): Promise<T> {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name)!;
  // Not even the name is there, as where an engine runs without a JIT.
  Reflect.deleteProperty(owner, name);
  try {
    return await load();
  } finally {
    Object.defineProperty(owner, name, descriptor);
  }
}

type Functions = Record<string, (...args: number[]) => number>;
/** Instances that compute wrongly: one rounds twice, one forgets a weight, one decodes everything. */
const WRONG_INSTANCES: readonly (readonly [string, (exports: WebAssembly.Exports) => object])[] = [
  ["unfused", ({ memory }) => ({
    fusedMultiplyAdd() {
      const numbers = new DataView((memory as WebAssembly.Memory).buffer);
      for (const lane of [0, 8]) {
        const [a, b, c] = [0, 16, 32].map((at) => numbers.getFloat64(LAYOUT.INPUT + at + lane, true));
        numbers.setFloat64(LAYOUT.OUTPUT + lane, a! * b! + c!, true);
      }
    },
  })],
  ["the first pair alone", (exports) => ({
    multiplyPoints: (_: number, stride: number) => (exports as Functions)["multiplyPoints"]!(1, stride),
  })],
  ["wrong scalars", (exports) => ({
    subtractProduct() {
      (exports as Functions)["subtractProduct"]!();
      const bytes = new Uint8Array((exports["memory"] as WebAssembly.Memory).buffer);
      bytes[LAYOUT.OUTPUT]! ^= 1;
    },
  })],
];

/** The suites and what was said to the operator. */
async function loaded(kernel?: KernelName) {
  const warnings: string[] = [];
  return { suites: await loadSuites((message) => warnings.push(message), { kernel }), warnings };
}

Deno.test({
  name: "loadSuites() gives the kernel for ristretto255 and noble for P-384, without a warning",
  ignore: unavailable,
  fn: async () => {
    const { suites, warnings } = await loaded();
    assertEquals(suites("ristretto255-SHA512").kernel, "wasm");
    assertStrictEquals(suites("P384-SHA384"), nobleP384);
    assertStrictEquals(suites("ristretto255-SHA512"), suites("ristretto255-SHA512"));
    assertEquals(warnings, []);
  },
});

Deno.test("loadSuites() gives libsodium with one warning where the runtime does not take the kernel's module", async () => {
  // The runtime says so of it as it does without relaxed SIMD.
  const { validate } = WebAssembly;
  WebAssembly.validate = () => false;
  try {
    const { suites, warnings } = await loaded();
    assertEquals(suites("ristretto255-SHA512").kernel, "libsodium");
    assertEquals(warnings, [
      "ristretto255 runs on libsodium, about three times slower, since the kernel does not run here: " +
      "WebAssembly here has no relaxed SIMD",
    ]);
  } finally {
    WebAssembly.validate = validate;
  }
});

Deno.test({
  name:
    "loadSuites() gives libsodium where the kernel's instance computes something else, and never serves from it",
  ignore: unavailable,
  fn: async () => {
    for (const [name, wrong] of WRONG_INSTANCES) {
      const { instantiate } = WebAssembly;
      WebAssembly.instantiate = (async (binary: BufferSource) => {
        const { instance } = await instantiate(binary);
        return { instance: { exports: { ...instance.exports, ...wrong(instance.exports) } } };
      }) as unknown as typeof instantiate;
      try {
        const { suites, warnings } = await loaded();
        assertEquals([name, suites("ristretto255-SHA512").kernel, warnings.length], [name, "libsodium", 1]);
      } finally {
        WebAssembly.instantiate = instantiate;
      }
    }
  },
});

Deno.test("loadSuites() gives libsodium where an operator chose it, without a warning", async () => {
  const { suites, warnings } = await loaded("libsodium");
  assertEquals([suites("ristretto255-SHA512").kernel, warnings], ["libsodium", []]);
  assertStrictEquals(suites("P384-SHA384"), nobleP384);
});

Deno.test("loadSuites() falls back to noble with one warning a step where WebAssembly does not run", async () => {
  const { suites, warnings } = await without(globalThis, "WebAssembly", loaded);
  assertStrictEquals(suites("ristretto255-SHA512"), nobleRistretto255);
  assertEquals(warnings.map((warning) => warning.split(",")[0]), [
    "ristretto255 runs on libsodium",
    "ristretto255 runs on plain JavaScript",
  ]);
});

Deno.test("loadSuites() loads only the suites it was asked for", async () => {
  const suite = await loadSuites(() => {}, { names: ["P384-SHA384"] });
  assertStrictEquals(suite("P384-SHA384"), nobleP384);
  assertThrows(
    () => suite("ristretto255-SHA512"),
    RangeError,
    "Cannot use suite ristretto255-SHA512: it was not loaded",
  );
});
