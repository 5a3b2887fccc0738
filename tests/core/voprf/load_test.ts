import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import { loadSuites } from "../../../core/voprf/load.ts";

/** Runs `load` on a runtime without WebAssembly, and gives it back. */
async function withoutWebAssembly<T>(load: () => Promise<T>): Promise<T> {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly")!;
  // Not even the name is there, as where an engine runs without a JIT.
  Reflect.deleteProperty(globalThis, "WebAssembly");
  try {
    return await load();
  } finally {
    Object.defineProperty(globalThis, "WebAssembly", descriptor);
  }
}

Deno.test("loadSuites() gives libsodium for ristretto255 and noble for P-384, without a warning", async () => {
  const warnings: string[] = [];
  const suite = await loadSuites((message) => warnings.push(message));
  assertEquals(suite("ristretto255-SHA512").name, "ristretto255-SHA512");
  assert(suite("ristretto255-SHA512") !== nobleRistretto255);
  assertStrictEquals(suite("P384-SHA384"), nobleP384);
  assertStrictEquals(suite("ristretto255-SHA512"), suite("ristretto255-SHA512"));
  assertEquals(warnings, []);
});

Deno.test("loadSuites() falls back to noble with one warning where libsodium cannot run", async () => {
  const warnings: string[] = [];
  const suite = await withoutWebAssembly(() => loadSuites((message) => warnings.push(message)));
  assertStrictEquals(suite("ristretto255-SHA512"), nobleRistretto255);
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.startsWith("ristretto255 runs on plain JavaScript"), warnings[0]);
});

Deno.test("loadSuites() loads only the suites it was asked for", async () => {
  const suite = await loadSuites(() => {}, ["P384-SHA384"]);
  assertStrictEquals(suite("P384-SHA384"), nobleP384);
  assertThrows(
    () => suite("ristretto255-SHA512"),
    RangeError,
    "Cannot use suite ristretto255-SHA512: it was not loaded",
  );
});
