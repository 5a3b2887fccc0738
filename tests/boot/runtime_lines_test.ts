import { assertEquals } from "@std/assert";
import { readRuntimeLines, type StoreClientLine } from "../../boot/runtime_lines.ts";

Deno.test("readRuntimeLines() tells of the store's client without its words, and passes everything else on", () => {
  const passed: string[] = [];
  const told: StoreClientLine[] = [];
  let now = 0;
  const take = readRuntimeLines({
    pass: (line) => passed.push(line),
    tell: (line) => told.push(line),
    now: () => now,
  });
  const url = "https://user:password@kv.example/v2";
  take("Set PORT to a number from 0 to 65535.");
  take(`KV Connect failed to call '${url}/atomic_write' (status=503 Service Unavailable): a secret body`);
  take(`KV Connect failed to call '${url}/atomic_write' (status=500 Internal Server Error): more`);
  take(`KV Connect failed to call '${url}/snapshot_read': error sending request from 10.0.0.1:5 for ${url}`);
  take(`KV Connect to '${url}' failed: connection refused`);
  assertEquals(told, [{ retried: { atomic_write: 1 }, statuses: [503] }]);
  now = 1_000;
  take(`KV Connect watch disconnected (attempt=1) from '${url}/watch'`);
  assertEquals(told[1], {
    retried: { atomic_write: 1, snapshot_read: 1, other: 1, watch: 1 },
    statuses: [500],
  });
  assertEquals(passed, ["Set PORT to a number from 0 to 65535."]);
});
