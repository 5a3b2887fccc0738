import { assertEquals } from "@std/assert";
import { StoreUnavailable } from "../../core/store/breaker.ts";
import { reportStoreFaults, type StoreFaultLine } from "../../boot/store_faults.ts";

Deno.test("reportStoreFaults() writes one line a second, and counts what it leaves out", () => {
  const lines: StoreFaultLine[] = [];
  let now = 0;
  const hear = reportStoreFaults((line) => lines.push(line), () => now);
  hear(new StoreUnavailable("failed", new TypeError("database or disk is full\n    at somewhere")));
  for (let index = 0; index < 5; index++) hear(new StoreUnavailable("refused"));
  now = 999;
  hear(new StoreUnavailable("late"));
  assertEquals(lines, [{ failed: 1, error: "TypeError: database or disk is full" }]);
  now = 1_000;
  hear(new StoreUnavailable("late"));
  assertEquals(lines[1], { refused: 5, late: 2 });
});

Deno.test("reportStoreFaults() keeps a long error short", () => {
  const lines: StoreFaultLine[] = [];
  reportStoreFaults((line) => lines.push(line))(new StoreUnavailable("failed", new Error("x".repeat(1_000))));
  assertEquals(lines[0]!.error?.length, 120);
});

Deno.test("reportStoreFaults() leaves out where the store is", () => {
  const lines: StoreFaultLine[] = [];
  const error = new Error(
    "KV Connect failed to call 'http://user:password@kv.example:4512/v2/atomic_write' (status=401)",
  );
  reportStoreFaults((line) => lines.push(line))(new StoreUnavailable("failed", error));
  assertEquals(lines[0]?.error, "Error: KV Connect failed to call 'the store' (status=401)");
  const other = new Error("no route to postgres://user:password@a:1,b:2/db?x=y");
  reportStoreFaults((line) => lines.push(line))(new StoreUnavailable("failed", other));
  assertEquals(lines[1]?.error, "Error: no route to the store");
});
