import { assertEquals } from "@std/assert";
import { buildKernel } from "../../../../core/voprf/kernel/generator/build.ts";
import { sourceOfBinary } from "../../../../core/voprf/kernel/generator/source.ts";

Deno.test("binary.ts is, bit for bit, what the generator builds (deno task kernel)", async () => {
  const file = new URL("../../../../core/voprf/kernel/binary.ts", import.meta.url);
  assertEquals(await Deno.readTextFile(file), sourceOfBinary(buildKernel()));
});
