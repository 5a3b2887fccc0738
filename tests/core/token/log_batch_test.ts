import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat, DecodeError, toHex, utf8 } from "../../../core/base/bytes.ts";
import {
  type BatchedLog,
  decodeLogBatch,
  encodeLogBatch,
  LOG_OVERHEAD,
} from "../../../core/token/log_batch.ts";
import type { ContentEncoding } from "../../../core/token/mac.ts";
import { bytesOf } from "../../support/base/arbitraries.ts";

type Sendable = BatchedLog & { readonly contentEncoding: ContentEncoding };

const logs: fc.Arbitrary<Sendable> = fc.record({
  credential: fc.record({ keyId: bytesOf(32), nonce: bytesOf(32), use: fc.nat(0xffff), mac: bytesOf(32) }),
  contentEncoding: fc.constantFrom<ContentEncoding>("", "gzip"),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
});
const batches = fc.array(logs, { minLength: 1, maxLength: 6 });

const FIRST: Sendable = {
  credential: {
    keyId: new Uint8Array(32).fill(0x11),
    nonce: new Uint8Array(32).fill(0x22),
    use: 0,
    mac: new Uint8Array(32).fill(0x33),
  },
  contentEncoding: "",
  body: utf8("{}"),
};
const SECOND: Sendable = {
  ...FIRST,
  credential: { ...FIRST.credential, use: 0x0102 },
  contentEncoding: "gzip",
  body: new Uint8Array(300),
};

Deno.test("encodeLogBatch() lays out the length of all, and of each log credential, encoding, length and body", () => {
  const head = "11".repeat(32) + "22".repeat(32);
  assertEquals(
    toHex(encodeLogBatch([FIRST, SECOND])),
    // 104 and 402 bytes.
    `0001fa${head}0000${"33".repeat(32)}000000027b7d` +
      `${head}0102${"33".repeat(32)}0100012c${"00".repeat(300)}`,
  );
});

Deno.test("decodeLogBatch() reverses encodeLogBatch(), and copies no body", () => {
  fc.assert(fc.property(batches, (batch) => {
    const encoded = encodeLogBatch(batch);
    const decoded = decodeLogBatch(encoded);
    assertEquals(decoded, batch);
    for (const { body } of decoded) assert(body.buffer === encoded.buffer);
  }));
});

Deno.test("decodeLogBatch() refuses a batch that is cut off anywhere, and one with bytes behind it", () => {
  const encoded = encodeLogBatch([FIRST, SECOND]);
  for (let length = 0; length < encoded.length; length++) {
    assertThrows(() => decodeLogBatch(encoded.slice(0, length)), DecodeError);
  }
  assertThrows(() => decodeLogBatch(concat(encoded, Uint8Array.of(0))), DecodeError);
});

Deno.test("decodeLogBatch() refuses lengths that do not end with a log", () => {
  const encoded = encodeLogBatch([FIRST, SECOND]);
  // Cut off, with a length of all that says so: inside the second log's body, its head, and right behind the first.
  for (const length of [encoded.length - 1, 3 + 104 + 50, 3 + 104 + LOG_OVERHEAD - 1]) {
    const cut = encoded.slice(0, length);
    cut.set([0, (length - 3) >> 8, (length - 3) & 0xff]);
    assertThrows(() => decodeLogBatch(cut), DecodeError, "inside a log");
  }
  for (const empty of [new Uint8Array(0), new Uint8Array(3)]) {
    assertThrows(() => decodeLogBatch(empty), DecodeError, "length");
  }
});

Deno.test("decodeLogBatch() takes any bytes apart in one way, or refuses them", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), batches, fc.nat(), (noise, batch, at) => {
    const encoded = encodeLogBatch(batch);
    encoded.set(noise.subarray(0, encoded.length - at % encoded.length), at % encoded.length);
    let decoded: BatchedLog[];
    try {
      decoded = decodeLogBatch(encoded);
    } catch (error) {
      return assert(error instanceof DecodeError, String(error));
    }
    if (decoded.every((log): log is Sendable => log.contentEncoding !== undefined)) {
      assertEquals(encodeLogBatch(decoded), encoded);
    }
  }));
});

Deno.test("decodeLogBatch() leaves an encoding that it does not know to the log's own answer", () => {
  const encoded = encodeLogBatch([FIRST, SECOND]);
  encoded[3 + 98] = 2;
  const decoded = decodeLogBatch(encoded);
  assertEquals(decoded.map(({ contentEncoding }) => contentEncoding), [undefined, "gzip"]);
});
