import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { encodeRecord, MAX_RECORD_BYTES } from "../../../core/schema/record.ts";

const AT = Date.UTC(2026, 10, 22, 10) / 1000;

Deno.test("encodeRecord() writes one line of JSON with the pseudonym, if any, and the events", () => {
  const events = [{ name: "fetch", at: AT, fields: { ok: true, retries: 0, platform: "linux" } }];
  const line = '"events":[{"name":"fetch","at":"2026-11-22T10:00:00Z",' +
    '"fields":{"ok":true,"retries":0,"platform":"linux"}}]}';
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(text(encodeRecord(undefined, events)), `{${line}`);
  assertEquals(
    text(encodeRecord("AAAAAAAAAAAAAAAAAAAAAA", events)),
    `{"pseudonym":"AAAAAAAAAAAAAAAAAAAAAA",${line}`,
  );
});

Deno.test("encodeRecord() refuses what does not fit into the store", () => {
  const record = (padding: number) =>
    encodeRecord(undefined, [{ name: "fetch", at: AT, fields: { padding: "x".repeat(padding) } }]);
  const overhead = record(0).length;
  assertEquals(record(MAX_RECORD_BYTES - overhead).length, MAX_RECORD_BYTES);
  const refusal = assertThrows(() => record(MAX_RECORD_BYTES - overhead + 1), Refusal) as Refusal;
  assertEquals(refusal.code, "body_too_large");
});
