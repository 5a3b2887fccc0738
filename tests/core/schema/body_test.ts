import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat, toBase64url, utf8 } from "../../../core/base/bytes.ts";
import { Refusal } from "../../../core/base/errors.ts";
import {
  type LogBody,
  MAX_BODY_BYTES,
  MAX_EVENTS,
  readBody,
  requirePseudonym,
} from "../../../core/schema/body.ts";
import { bytesOf, flipBit } from "../../support/base/arbitraries.ts";

const SALT = toBase64url(new Uint8Array(16).fill(1));
const PSEUDONYM = toBase64url(new Uint8Array(16).fill(2));
const BINDING = toBase64url(new Uint8Array(32).fill(3));
const EVENT = { name: "fetch", fields: { ok: true } };
const BODY = { salt: SALT, events: [EVENT] };

/** Reads a body for an application that collects a pseudonym, or one that does not. */
function readFor(collectsPseudonym: boolean, ...sent: Parameters<typeof readBody>): LogBody {
  const body = readBody(...sent);
  requirePseudonym(body, collectsPseudonym);
  return body;
}

/** Asserts that a body (bytes, text, or a value to be written as JSON) is refused in these words. */
function refuses(body: unknown, message: string, collectsPseudonym = false): void {
  const bytes = body instanceof Uint8Array
    ? body
    : utf8(typeof body === "string" ? body : JSON.stringify(body));
  const refusal = assertThrows(() => readFor(collectsPseudonym, bytes, ""), Refusal) as Refusal;
  assertEquals([refusal.code, refusal.message], ["body_malformed", message]);
}

function reads(body: unknown, collectsPseudonym = false) {
  return readFor(collectsPseudonym, utf8(typeof body === "string" ? body : JSON.stringify(body)), "");
}

Deno.test("readBody() gives the events and the pseudonym, and forgets salt and padding", () => {
  assertEquals(reads(BODY), { events: [EVENT] });
  assertEquals(reads({ ...BODY, pad: "x".repeat(1_000) }), { events: [EVENT] });
  assertEquals(reads({ ...BODY, pad: "", pseudonym: PSEUDONYM, binding: BINDING }, true), {
    pseudonym: PSEUDONYM,
    binding: BINDING,
    events: [EVENT],
  });
  const at = { ...EVENT, at: "2026-11-22T10:00:00Z" };
  assertEquals(reads(` \n${JSON.stringify({ events: [at, EVENT], salt: SALT })}\t`), { events: [at, EVENT] });
});

Deno.test("readBody() takes a binding beside a pseudonym only, and requirePseudonym() wants one there", () => {
  const body = { ...BODY, pseudonym: PSEUDONYM };
  refuses(body, "binding is missing or not a text.", true);
  for (const binding of [null, 7, {}]) {
    refuses({ ...body, binding }, "binding is missing or not a text.", true);
  }
  for (const binding of ["", PSEUDONYM, BINDING.slice(1), `${BINDING}A`, `${BINDING}=`]) {
    refuses({ ...body, binding }, "binding is not base64url of 32 bytes.", true);
  }
  for (const collects of [false, true]) {
    refuses({ ...BODY, binding: BINDING }, "binding stands without a pseudonym.", collects);
  }
});

Deno.test("readBody() takes 1 to 100 events", () => {
  assertEquals(reads({ ...BODY, events: Array(MAX_EVENTS).fill(EVENT) }).events.length, 100);
  for (
    const events of [[], Array(MAX_EVENTS + 1).fill(EVENT), {}, null, "x", undefined, { length: 1, 0: EVENT }]
  ) {
    refuses({ ...BODY, events }, "events is not a list of 1 to 100.");
  }
});

Deno.test("readBody() refuses what is not JSON text in UTF-8", () => {
  refuses(concat(Uint8Array.of(0xef, 0xbb, 0xbf), utf8(JSON.stringify(BODY))), "The body is not JSON.");
  for (const text of ["", "{", "{}x", "{'salt':1}", `${JSON.stringify(BODY)},`, "NaN", "\0"]) {
    refuses(text, "The body is not JSON.");
  }
  for (const text of ['"\\ud800"', '["\\uDFFF"]', '{"pad":"\\ude00\\ud83d"}', '{"\\udabc":1}']) {
    refuses(text, "The body is not JSON.");
  }
  const utf16 = Uint8Array.from([...JSON.stringify(BODY)].flatMap((letter) => [0, letter.charCodeAt(0)]));
  refuses(utf16, "The body is not JSON.");
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    const text = concat(utf8('{"pad":"'), Uint8Array.from(bytes), utf8('"}'));
    refuses(text, "The body is not valid UTF-8.");
  }
});

Deno.test("readBody() refuses what is no object", () => {
  for (const text of ["null", "[]", "1", '"x"', "true", `[${JSON.stringify(BODY)}]`]) {
    refuses(text, "The body is not a JSON object.");
  }
});

Deno.test("readBody() refuses unknown members, __proto__ and other inherited names among them", () => {
  for (const name of ["salts", "Salt", "client", "__proto__", "constructor", "toString", ""]) {
    refuses(`{"${name}":{},${JSON.stringify(BODY).slice(1)}`, "The body has an unknown member.");
    refuses(
      `{"salt":"${SALT}","events":[{"${name}":{},"name":"fetch","fields":{}}]}`,
      "An event has an unknown member.",
    );
  }
  // Members never come from a prototype that the body brings along.
  refuses(`{"__proto__":${JSON.stringify(BODY)}}`, "The body has an unknown member.");
  refuses(
    `{"salt":"${SALT}","events":[{"__proto__":{"name":"fetch","fields":{}}}]}`,
    "An event lacks its name or its fields.",
  );
  const { events } = reads(
    `{"salt":"${SALT}","events":[{"name":"fetch","fields":{"__proto__":{"ok":true}}}]}`,
  );
  assertEquals(Object.keys(events[0]!.fields), ["__proto__"]);
  assertEquals((events[0]!.fields as { ok?: unknown }).ok, undefined);
  assertEquals(({} as { ok?: unknown }).ok, undefined);
});

Deno.test("readBody() refuses a salt that is missing, short, long or not canonical", () => {
  for (const salt of [undefined, null, 5, [SALT]]) {
    refuses({ ...BODY, salt }, "salt is missing or not a text.");
  }
  const faulty = ["", toBase64url(new Uint8Array(15)), toBase64url(new Uint8Array(17)), `${SALT}==`];
  for (const salt of [...faulty, SALT.slice(0, -1) + "B", SALT.slice(0, -1) + "+"]) {
    refuses({ ...BODY, salt }, "salt is not base64url of 16 bytes.");
  }
});

Deno.test("requirePseudonym() wants one where it is collected, and refuses it where none is", () => {
  refuses({ ...BODY, pseudonym: PSEUDONYM }, "This application collects no pseudonym.");
  refuses({ ...BODY, pseudonym: PSEUDONYM, binding: BINDING }, "This application collects no pseudonym.");
  for (const pseudonym of [undefined, null, 7]) {
    refuses({ ...BODY, pseudonym }, "pseudonym is missing or not a text.", true);
  }
  for (const pseudonym of ["", PSEUDONYM.slice(1), `${PSEUDONYM}A`, `${PSEUDONYM}==`, "alice@example.org"]) {
    refuses({ ...BODY, pseudonym }, "pseudonym is not base64url of 16 bytes.", true);
  }
});

Deno.test("readBody() refuses a padding that is no text", () => {
  for (const pad of [null, 0, [], {}]) refuses({ ...BODY, pad }, "pad is not a text.");
});

Deno.test("readBody() refuses an event of the wrong shape", () => {
  const lacking = [null, [], "fetch", 1, {}, { name: "fetch" }, { fields: {} }, { name: 1, fields: {} }];
  const wrongFields = [[], null, "x", 1].map((fields) => ({ name: "fetch", fields }));
  for (const event of [...lacking, ...wrongFields]) {
    refuses({ ...BODY, events: [EVENT, event] }, "An event lacks its name or its fields.");
  }
  for (const at of [null, 1_795_305_600, {}]) {
    refuses({ ...BODY, events: [{ ...EVENT, at }] }, "An event's at is not a text.");
  }
  refuses({ ...BODY, events: [{ ...EVENT, client: "x" }] }, "An event has an unknown member.");
});

Deno.test("readBody() survives deep nesting", () => {
  refuses("[".repeat(60_000), "The body is not JSON.");
  refuses("[".repeat(30_000) + "]".repeat(30_000), "The body is not a JSON object.");
  const deep = '{"a":'.repeat(9_000) + "1" + "}".repeat(9_000);
  const { events } = reads(`{"salt":"${SALT}","events":[{"name":"fetch","fields":{"ok":${deep}}}]}`);
  assertEquals(events.length, 1);
});

Deno.test("readBody() refuses more than 64 KiB", () => {
  const padded = (length: number) => {
    const text = JSON.stringify({ ...BODY, pad: "" });
    return utf8(text.replace('"pad":""', `"pad":"${"x".repeat(length - text.length)}"`));
  };
  assertEquals(readBody(padded(MAX_BODY_BYTES), ""), { events: [EVENT] });
  const refusal = assertThrows(() => readBody(padded(MAX_BODY_BYTES + 1), ""), Refusal) as Refusal;
  assertEquals([refusal.code, refusal.message], ["body_too_large", "The body has more than 65536 bytes."]);
});

Deno.test("readBody() gives a Refusal that repeats nothing for any other bytes", () => {
  const json = utf8(JSON.stringify({ ...BODY, pseudonym: PSEUDONYM }));
  const survives = (bytes: Uint8Array, encoding: "" | "gzip", collectsPseudonym: boolean) => {
    try {
      const { events } = readFor(collectsPseudonym, bytes, encoding);
      assert(events.length >= 1);
    } catch (error) {
      assert(error instanceof Refusal, `not a Refusal: ${error}`);
      assert(!`${error}`.includes(SALT) && !`${error}`.includes(PSEUDONYM));
    }
  };
  const either = fc.constantFrom<"" | "gzip">("", "gzip");
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), either, fc.boolean(), survives));
  fc.assert(
    fc.property(
      fc.nat(json.length * 8 - 1),
      fc.boolean(),
      (bit, collects) => survives(flipBit(json, bit), "", collects),
    ),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.jsonValue(), fc.boolean(), (value, collects) => {
    survives(utf8(JSON.stringify(value)), "", collects);
    survives(utf8(JSON.stringify({ salt: SALT, events: value })), "", collects);
    survives(utf8(JSON.stringify({ salt: SALT, events: [value] })), "", collects);
    survives(utf8(JSON.stringify({ salt: SALT, events: [{ name: "fetch", fields: value }] })), "", collects);
  }));
});

Deno.test("readBody() gives back what a client wrote", () => {
  const events = fc.array(
    fc.record({
      name: fc.string(),
      at: fc.string(),
      fields: fc.dictionary(fc.string(), fc.oneof(fc.boolean(), fc.integer(), fc.string())),
    }, { requiredKeys: ["name", "fields"] }),
    { minLength: 1, maxLength: MAX_EVENTS },
  );
  const bytes = fc.tuple(bytesOf(16), bytesOf(16), bytesOf(32));
  fc.assert(fc.property(bytes, events, fc.string(), ([salt, pseudonym, binding], events, pad) => {
    const served = { pseudonym: toBase64url(pseudonym), binding: toBase64url(binding) };
    const body = { salt: toBase64url(salt), ...served, events, pad };
    const written = JSON.stringify(body);
    fc.pre(utf8(written).length <= MAX_BODY_BYTES);
    assertEquals(reads(body, true), JSON.parse(JSON.stringify({ ...served, events })));
  }));
});
