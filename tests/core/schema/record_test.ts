import { assertEquals, assertThrows } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import {
  decodeRecord,
  encodeRecord,
  MAX_RECORD_BYTES,
  ofOtherPeriod,
  withoutEvents,
} from "../../../core/schema/record.ts";

const AT = Date.UTC(2026, 10, 22, 10) / 1000;

Deno.test("encodeRecord() writes one line of JSON with the pseudonym, if any, and the events", () => {
  const events = [{ name: "fetch", at: AT, fields: { ok: true, retries: 0, platform: "linux" } }];
  const line = '"events":[{"name":"fetch","at":"2026-11-22T10:00:00Z",' +
    '"fields":{"ok":true,"retries":0,"platform":"linux"}}]}';
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(text(encodeRecord(undefined, events)), `{"v":2,${line}`);
  assertEquals(
    text(encodeRecord("AAAAAAAAAAAAAAAAAAAAAA", events)),
    `{"v":2,"pseudonym":"AAAAAAAAAAAAAAAAAAAAAA",${line}`,
  );
});

Deno.test("decodeRecord() reads a record of another period, and one of the first format", () => {
  const events = [{ name: "fetch", at: AT, fields: {} }];
  const written = [{ name: "fetch", at: "2026-11-22T10:00:00Z", fields: {} }];
  const pseudonym = "AAAAAAAAAAAAAAAAAAAAAA";
  const own = encodeRecord(pseudonym, events);
  assertEquals(decodeRecord(own), { v: 2, pseudonym, events: written });
  assertEquals(decodeRecord(ofOtherPeriod(own)), { v: 2, otherPeriod: true, pseudonym, events: written });
  const first = new TextEncoder().encode(JSON.stringify({ pseudonym, events: written }));
  assertEquals(decodeRecord(first), { pseudonym, events: written });
  assertEquals(withoutEvents(ofOtherPeriod(own), new Set(["fetch"])), undefined);
});

Deno.test("encodeRecord() refuses what does not fit into the store", () => {
  const record = (padding: number) =>
    encodeRecord(undefined, [{ name: "fetch", at: AT, fields: { padding: "x".repeat(padding) } }]);
  // Every record has room for the mark of another period.
  const overhead = ofOtherPeriod(record(0)).length;
  const greatest = record(MAX_RECORD_BYTES - overhead);
  assertEquals(ofOtherPeriod(greatest).length, MAX_RECORD_BYTES);
  const refusal = assertThrows(() => record(MAX_RECORD_BYTES - overhead + 1), Refusal) as Refusal;
  assertEquals(refusal.code, "body_too_large");
});
