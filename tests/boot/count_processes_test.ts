import { assertEquals, assertThrows } from "@std/assert";
import { countProcesses } from "../../boot/launch/count_processes.ts";
import { LaunchError } from "../../boot/launch_error.ts";

const LINUX = { os: "linux", cores: 6 };
const POSTGRES = { kv: "postgres://dit@db/dit", port: 8_000, operatorsListener: undefined };

function count(asked: string | undefined, settings: Partial<typeof POSTGRES> = {}, machine = LINUX) {
  const warnings: string[] = [];
  const processes = countProcesses(asked, { ...POSTGRES, ...settings }, (w) => warnings.push(w), machine);
  return [processes, warnings.length];
}

Deno.test("countProcesses() takes one process for each core where the store may be shared, and one on a file", () => {
  assertEquals(count(undefined), [6, 0]);
  assertEquals(count(undefined, { kv: "https://kv.example" }), [6, 0]);
  assertEquals(count("3"), [3, 0]);
  for (const kv of ["/var/lib/dit/kv.sqlite3", ":memory:"]) {
    assertEquals(count(undefined, { kv }), [1, 0]);
    assertEquals(count("1", { kv }), [1, 0]);
    assertThrows(() => count("2", { kv }), LaunchError, "need a store that they can share");
  }
});

Deno.test("countProcesses() takes one where the system does not share a port out, and says so to whoever asked for more", () => {
  const mac = { os: "darwin", cores: 8 };
  assertEquals(count(undefined, {}, mac), [1, 0]);
  assertEquals(count("2", {}, mac), [1, 1]);
  assertEquals(count(undefined, { port: 0 }), [1, 0]);
  assertThrows(() => count("2", { port: 0 }), LaunchError, "other numbers than 0");
});

Deno.test("countProcesses() refuses what is no number of processes", () => {
  for (const asked of ["0", "-1", "2.5", "65", "many", ""]) {
    assertThrows(() => count(asked), LaunchError, "from 1 to 64");
  }
});
