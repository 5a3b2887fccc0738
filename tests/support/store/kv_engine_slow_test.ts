import { assertEquals, assertThrows } from "@std/assert";
import { addonFor } from "./kv_engine.ts";

Deno.test("addonFor() names a package for each platform of @deno/kv and says so where there is none", () => {
  assertEquals(addonFor("linux", "x64"), "@deno/kv-linux-x64-gnu");
  assertEquals(addonFor("darwin", "arm64"), "@deno/kv-darwin-arm64");
  assertThrows(
    () => addonFor("freebsd", "x64"),
    Error,
    "Cannot open a KV engine: @deno/kv has no build for freebsd on x64",
  );
});
