import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync, gzipSync } from "node:zlib";
import { concat, toBase64url, utf8 } from "../../../core/base/bytes.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { MAX_BODY_BYTES, readBody } from "../../../core/schema/body.ts";
import { flipBit } from "../../support/base/arbitraries.ts";

const JSON_BODY = utf8(JSON.stringify({
  salt: toBase64url(new Uint8Array(16).fill(1)),
  events: [{ name: "fetch", fields: { ok: true } }],
}));
const READ = { events: [{ name: "fetch", fields: { ok: true } }] };

function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(bytes));
}

/** A gzip member whose header carries an extra field of `length` bytes (RFC 1952, section 2.3.1). */
function withExtra(member: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const header = member.slice(0, 10);
  header[3] = header[3]! | 0x04;
  const extra = new Uint8Array(length).fill(0x5a);
  return concat(header, Uint8Array.of(length & 0xff, length >> 8), extra, member.slice(10));
}

function refuses(bytes: Uint8Array, code: string, message: string): void {
  const refusal = assertThrows(() => readBody(bytes, "gzip"), Refusal) as Refusal;
  assertEquals([refusal.code, refusal.message], [code, message]);
}

Deno.test("readBody() unpacks gzip at every level", () => {
  for (let level = 0; level <= 9; level++) {
    assertEquals(readBody(new Uint8Array(gzipSync(JSON_BODY, { level })), "gzip"), READ);
  }
});

Deno.test("readBody() passes over an FEXTRA field that fills a body up", () => {
  const member = gzip(JSON_BODY);
  for (const length of [0, 1, 4, 1_000, 60_000]) {
    assertEquals(readBody(withExtra(member, length), "gzip"), READ);
  }
  const room = MAX_BODY_BYTES - member.length - 2;
  assertEquals(readBody(withExtra(member, room), "gzip"), READ);
  refuses(withExtra(member, room + 1), "body_too_large", "The body has more than 65536 bytes.");
  // Cut short inside of the field.
  refuses(withExtra(member, 1_000).slice(0, 500), "body_malformed", "The body is not valid gzip.");
});

Deno.test("readBody() refuses bad gzip", () => {
  const member = gzip(JSON_BODY);
  const changed = (index: number, value: number) => {
    const copy = member.slice();
    copy[index] = value;
    return copy;
  };
  const bad = [
    new Uint8Array(),
    JSON_BODY,
    Uint8Array.of(0x1f),
    member.slice(0, 10),
    member.slice(0, -1),
    member.slice(0, -8),
    changed(0, 0x1e),
    changed(2, 7),
    changed(3, 0x20),
    flipBit(member, (member.length - 8) * 8),
    flipBit(member, (member.length - 1) * 8),
    new Uint8Array(deflateRawSync(JSON_BODY)),
  ];
  for (const bytes of bad) refuses(bytes, "body_malformed", "The body is not valid gzip.");
});

Deno.test("readBody() refuses bytes behind the gzip", () => {
  const member = gzip(JSON_BODY);
  for (const zeros of [1, 2, 18, 512]) {
    refuses(
      concat(member, new Uint8Array(zeros)),
      "body_malformed",
      "The body has bytes behind its gzip.",
    );
  }
  for (
    const tail of [Uint8Array.of(1), Uint8Array.of(0x1f), utf8("trailer"), member.slice(0, 12), JSON_BODY]
  ) {
    refuses(concat(member, tail), "body_malformed", "The body is not valid gzip.");
  }
  // Zeros between two members would otherwise hide the second one.
  refuses(concat(member, Uint8Array.of(0), member), "body_malformed", "The body has bytes behind its gzip.");
});

Deno.test("readBody() reads all members of one gzip file (RFC 1952, section 2.2)", () => {
  const [first, second] = [gzip(JSON_BODY.slice(0, 20)), gzip(JSON_BODY.slice(20))];
  assertEquals(readBody(concat(first, second), "gzip"), READ);
  assertEquals(readBody(concat(gzip(JSON_BODY), gzip(new Uint8Array())), "gzip"), READ);
  refuses(concat(gzip(JSON_BODY), gzip(utf8("x"))), "body_malformed", "The body is not JSON.");
});

Deno.test("readBody() stops a gzip bomb at 64 KiB", () => {
  const tooLarge = "The body unpacks to more than 65536 bytes.";
  for (const length of [MAX_BODY_BYTES + 1, 2 ** 20, 2 ** 25]) {
    refuses(gzip(new Uint8Array(length)), "body_too_large", tooLarge);
  }
  const spaces = (length: number) => concat(JSON_BODY, new Uint8Array(length - JSON_BODY.length).fill(0x20));
  assertEquals(readBody(gzip(spaces(MAX_BODY_BYTES)), "gzip"), READ);
  refuses(gzip(spaces(MAX_BODY_BYTES + 1)), "body_too_large", tooLarge);
  // Many small members are no way around.
  const half = gzip(new Uint8Array(MAX_BODY_BYTES / 2));
  refuses(concat(half, half, half), "body_too_large", tooLarge);
});

Deno.test("readBody() does not unpack what is not said to be gzip", () => {
  const refusal = assertThrows(() => readBody(gzip(JSON_BODY), ""), Refusal) as Refusal;
  assertEquals(refusal.code, "body_malformed");
});

Deno.test("readBody() gives a Refusal for gzip with any bit flipped that matters", () => {
  const member = gzip(JSON_BODY);
  fc.assert(
    fc.property(fc.nat(member.length * 8 - 1), (bit) => {
      try {
        // The times, the system and the level in the header may be anything: what unpacks is the same.
        assertEquals(readBody(flipBit(member, bit), "gzip"), READ);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
