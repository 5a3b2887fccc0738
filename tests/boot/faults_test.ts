import { assertEquals } from "@std/assert";
import { faultOf, reportFaults } from "../../boot/faults.ts";

class CanaryError extends Error {
  override readonly name = "CanaryError";
}

Deno.test("faultOf() tells an error's name and code, and nothing that could hold what it was about", () => {
  const named = Object.assign(new CanaryError("canary at https://canary.example"), { code: "ECONNRESET" });
  assertEquals(faultOf(named), { name: "CanaryError", code: "ECONNRESET" });
  assertEquals(faultOf(new Error("Too many open files (os error 24)")), { name: "Error", os: 24 });
  assertEquals(faultOf(new Error("(os error 24) canary")), { name: "Error" });
  // Names and codes that are made of what was read.
  const made = Object.assign(new Error("canary"), { name: "canary: 42", code: "canary" });
  assertEquals(faultOf(made), { name: "Error" });
  assertEquals(faultOf(Object.assign(new Error(""), { name: "x".repeat(65), code: 7 })), { name: "Error" });
  for (
    const [thrown, name] of [["canary", "string"], [undefined, "undefined"], [
      { canary: 1 },
      "object",
    ]] as const
  ) {
    assertEquals(faultOf(thrown), { name });
  }
  const hostile = Object.defineProperty(new Error(), "name", {
    get() {
      throw new Error("canary");
    },
  });
  assertEquals(faultOf(hostile), { name: "Error" });
});

Deno.test("reportFaults() counts every fault and writes at most a line a second", () => {
  const lines: unknown[] = [];
  const counted: string[] = [];
  let now = 0;
  const hear = reportFaults({
    log: (event, members) => lines.push({ event, ...members }),
    count: (kind) => counted.push(kind),
    now: () => now,
  });
  hear("rejection", { name: "TypeError" });
  hear("error", { name: "RangeError" });
  now = 999;
  hear("error", { name: "RangeError" });
  now = 1_000;
  hear("listener", { name: "Http", os: 24 });
  assertEquals(lines, [
    { event: "fault", kind: "rejection", name: "TypeError" },
    { event: "fault", kind: "listener", name: "Http", os: 24, untold: 2 },
  ]);
  assertEquals(counted, ["rejection", "error", "error", "listener"]);
});
