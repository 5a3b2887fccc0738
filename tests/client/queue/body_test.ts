import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { gunzipSync, gzipSync } from "node:zlib";
import { buildBody, eventLength, MAX_EVENTS_BYTES } from "../../../client/queue/body.ts";
import { BODY_SIZES, bodySize, padGzip } from "../../../client/queue/padding.ts";
import type { EncodedEvent } from "../../../client/storage/records.ts";
import { readBody } from "../../../core/schema/body.ts";
import { present } from "../../support/base/present.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const PSEUDONYM = "AAAAAAAAAAAAAAAAAAAAAA";

function event(index: number, text = ""): EncodedEvent {
  return {
    name: "note_saved",
    at: 1_800_000_000,
    fields: { index, ...(text === "" ? {} : { text }) },
    logged: {},
    encoded: true,
  };
}

Deno.test("buildBody() makes what the service reads, in one of four sizes", async () => {
  for (const gzip of [false, true]) {
    for (const count of [1, 2, 5, 10, 50, 100]) {
      const events = Array.from({ length: count }, (_, index) => event(index));
      const { bytes, contentEncoding } = present(
        await buildBody({ events, pseudonym: PSEUDONYM, random, gzip }),
      );
      assert(BODY_SIZES.includes(bytes.length as 1024), `${bytes.length} bytes`);
      assertEquals(contentEncoding, gzip && count > 10 ? "gzip" : "");
      const body = readBody(bytes, contentEncoding);
      assertEquals(body.pseudonym, PSEUDONYM);
      assertEquals(body.events.map(({ fields }) => fields.index), events.map(({ fields }) => fields.index));
    }
  }
});

Deno.test("buildBody() leaves the pseudonym out where none is collected", async () => {
  const { bytes } = present(await buildBody({ events: [event(1)], pseudonym: "", random, gzip: false }));
  assertEquals(readBody(bytes, "").pseudonym, undefined);
});

Deno.test("buildBody() draws a fresh salt for every body", async () => {
  const salts = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const { bytes } = present(await buildBody({ events: [event(1)], pseudonym: "", random, gzip: false }));
    const { salt } = JSON.parse(new TextDecoder().decode(bytes));
    assertEquals(Uint8Array.fromBase64(salt, { alphabet: "base64url" }).length, 16);
    salts.add(salt);
  }
  assertEquals(salts.size, 20);
});

Deno.test("buildBody() gives nothing for what no size holds, and pads to 64 KiB before", async () => {
  // Text that does not compress, so that only its length counts.
  const text = (length: number) => random(length / 2).toHex();
  assertEquals(
    present(await buildBody({ events: [event(1, text(60_000))], pseudonym: "", random, gzip: true })).bytes
      .length,
    65_536,
  );
  assertEquals(
    present(await buildBody({ events: [event(1, text(60_000))], pseudonym: "", random, gzip: false })).bytes
      .length,
    65_536,
  );
  assertEquals(
    await buildBody({ events: [event(1, text(70_000))], pseudonym: "", random, gzip: true }),
    undefined,
  );
  assertEquals(
    await buildBody({ events: [event(1, text(65_460))], pseudonym: "", random, gzip: false }),
    undefined,
  );
});

Deno.test("eventLength() is what an event adds to a body, so that a full batch fits 16 KiB", async () => {
  const events: EncodedEvent[] = [];
  let length = 0;
  while (length + eventLength(event(events.length)) <= MAX_EVENTS_BYTES) {
    length += eventLength(event(events.length));
    events.push(event(events.length));
  }
  const { bytes } = present(await buildBody({ events, pseudonym: PSEUDONYM, random, gzip: false }));
  assertEquals(bytes.length, 16_384);
});

Deno.test("padGzip() fills any gzip file up to a size that every decoder unpacks to the same bytes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 30_000 }), async (bytes) => {
      const padded = padGzip(gzipSync(bytes));
      assertEquals(padded.length, bodySize(gzipSync(bytes).length + 6));
      assertEquals(new Uint8Array(gunzipSync(padded)), bytes);
      const stream = new Blob([padded]).stream().pipeThrough(new DecompressionStream("gzip"));
      assertEquals(new Uint8Array(await new Response(stream).arrayBuffer()), bytes);
    }),
    { numRuns: 60 },
  );
});

Deno.test("padGzip() blanks what tells platforms apart", () => {
  const gzip = gzipSync("x");
  gzip.set([1, 2, 3, 4, 5, 6], 4);
  assertEquals([...padGzip(gzip).subarray(3, 10)], [4, 0, 0, 0, 0, 0, 0xff]);
  assertNotEquals([...gzip.subarray(4, 10)], [0, 0, 0, 0, 0, 0xff]);
});

Deno.test("padGzip() refuses what is no plain gzip file, or too long", () => {
  assertThrows(() => padGzip(new Uint8Array(5)), RangeError, "header");
  assertThrows(() => padGzip(new Uint8Array(50)), RangeError, "header");
  const withName = gzipSync("x");
  withName[3] = 8;
  assertThrows(() => padGzip(withName), RangeError, "header");
  assertThrows(
    () => padGzip(gzipSync(Uint8Array.of(...random(40_000), ...random(40_000)))),
    RangeError,
    "length",
  );
});
