import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { failingOver } from "../../../core/voprf/failover.ts";
import { KernelFault } from "../../../core/voprf/kernel/kernel.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { VoprfError } from "../../../core/voprf/suite.ts";
import { seededRandom, sodiumRistretto255 } from "./suites.ts";

const keys = nobleRistretto255.generateKeyPair(seededRandom("keys"));
const inputs = [Uint8Array.of(1), Uint8Array.of(2)];
const outputs = nobleRistretto255.evaluate(keys.secretKey, inputs);

/** A suite on a kernel that meets this error whenever it evaluates. */
function failing(error: unknown, next = () => Promise.resolve(sodiumRistretto255)) {
  const warnings: string[] = [];
  let asked = 0;
  const first = {
    ...nobleRistretto255,
    kernel: "wasm" as const,
    evaluate(): never {
      asked++;
      throw error;
    },
  };
  const suite = failingOver(first, next, (message) => warnings.push(message));
  return { suite, warnings, asked: () => asked };
}

for (
  const fault of [new KernelFault("A point is not on the curve"), new WebAssembly.RuntimeError("unreachable")]
) {
  Deno.test(`failingOver() serves from the next after a ${fault.name}, with one warning, and never asks the first again`, async () => {
    const { suite, warnings, asked } = failing(fault);
    assertEquals(suite.kernel, "wasm");
    assertThrows(() => suite.evaluate(keys.secretKey, inputs), Error, fault.message);
    // The other is not there yet: nothing is computed, not even what the first could still do.
    assertThrows(() => suite.checkElement(keys.publicKey), Error, fault.message);
    assertThrows(() => suite.evaluate(keys.secretKey, inputs), Error, fault.message);
    await Promise.resolve();
    assertEquals(suite.evaluate(keys.secretKey, inputs), outputs);
    assertEquals([suite.kernel, asked()], ["libsodium", 1]);
    assertEquals(warnings.length, 1);
    assertMatch(warnings[0]!, /^ristretto255-SHA512 computed something that cannot be on wasm/);
  });
}

Deno.test("failingOver() stays with the first where it refuses what is malformed", () => {
  const { suite, warnings } = failing(new VoprfError("Cannot use input"));
  assertThrows(() => suite.evaluate(keys.secretKey, inputs), VoprfError);
  suite.checkElement(keys.publicKey);
  assertEquals([suite.kernel, warnings], ["wasm", []]);
});

Deno.test("failingOver() computes nothing where no other one loads, and says so", async () => {
  const { suite, warnings } = failing(new KernelFault("fault"), () => Promise.reject(new Error("no")));
  assertThrows(() => suite.evaluate(keys.secretKey, inputs), KernelFault);
  await new Promise((resolve) => setTimeout(resolve));
  assertThrows(() => suite.checkElement(keys.publicKey), KernelFault);
  assertEquals(warnings.length, 2);
  assertMatch(warnings[1]!, /nothing left to run on/);
});
