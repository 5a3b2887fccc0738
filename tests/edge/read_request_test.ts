import { assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { z } from "zod";
import { Refusal } from "../../core/base/errors.ts";
import type { RequestBody } from "../../edge/operations/operation.ts";
import { readRequest, type Reads, requireMediaType } from "../../edge/read_request.ts";

const NO_DAY = "The day is not one.";
const EXPECTED = "Send something else.";

const FORM = {
  parameters: { app: z.string(), day: z.string().regex(/^\d+$/, NO_DAY).transform(Number) },
  takesHeaders: { "dit-client": z.string("Say who.").max(3, "Say less.") },
  takes: {
    description: "A form.",
    type: "application/json",
    namesType: true,
    encodings: ["", "gzip"],
    maxBytes: 40,
    shape: z.strictObject({ name: z.string().min(1) }),
    expected: EXPECTED,
  },
} as const satisfies Reads;

/** What `reads` makes of a request to /demo/7. */
async function readAs<const R extends Reads>(reads: R, init: RequestInit, path = "/demo/7") {
  let read: Awaited<ReturnType<typeof readRequest<R>>> | undefined;
  const app = new Hono().onError((error) => {
    throw error;
  }).post("/:app/:day", async (c) => {
    read = await readRequest(c, reads, { deadlineMs: 200 });
    return c.body(null, 204);
  });
  await app.request(path, { method: "POST", ...init });
  if (read === undefined) throw new Error("The route was not reached.");
  return read;
}

const HEADERS = { "content-type": "application/json", "dit-client": "me" };
const GOOD = { headers: HEADERS, body: '{"name":"a"}' };

async function codeOf(init: RequestInit, path?: string): Promise<string> {
  const { code, message } = await assertRejects(() => readAs(FORM, init, path), Refusal);
  return `${code}: ${message}`;
}

Deno.test("readRequest() gives path, headers and body as their shapes read them", async () => {
  const { params, headers, body } = await readAs(FORM, GOOD);
  assertEquals([params, headers, body], [{ app: "demo", day: 7 }, { "dit-client": "me" }, { name: "a" }]);
});

Deno.test("readRequest() refuses the path, then the media type, then a header, then the body", async () => {
  const bad = { headers: { "content-type": "text/plain" }, body: "x".repeat(41) };
  assertEquals(await codeOf(bad, "/demo/today"), `route_unknown: ${NO_DAY}`);
  assertEquals(
    await codeOf(bad),
    "media_type: The content type is not application/json without parameters.",
  );
  const json = { ...bad, headers: { "content-type": "application/json" } };
  assertEquals(await codeOf(json), "body_malformed: Say who.");
  assertEquals(
    await codeOf({ ...json, headers: { ...HEADERS, "dit-client": "many" } }),
    "body_malformed: Say less.",
  );
  assertEquals(
    await codeOf({ ...json, headers: HEADERS }),
    "body_too_large: The body has more than 40 bytes.",
  );
});

Deno.test("readRequest() refuses what is no UTF-8, no JSON, or of another shape, with one sentence", async () => {
  const bodies = [
    "",
    "{",
    "null",
    '{"name":""}',
    '{"name":"a","more":1}',
    '{"name":"a"} ,',
    String.raw`{"name":"\ud800"}`,
    Uint8Array.from([...new TextEncoder().encode('{"name":"'), 0xff, 0x22, 0x7d]),
  ];
  for (const body of bodies) {
    assertEquals(await codeOf({ headers: HEADERS, body }), `body_malformed: ${EXPECTED}`);
  }
});

Deno.test("readRequest() takes a body of exactly its bound, and refuses a byte more", async () => {
  const body = '{"name":"a"}';
  const { body: read } = await readAs(FORM, { ...GOOD, body: body.padEnd(40) });
  assertEquals(read, { name: "a" });
  assertEquals((await codeOf({ ...GOOD, body: body.padEnd(41) })).split(":")[0], "body_too_large");
});

Deno.test("readRequest() gives bytes of what is binary or still has to be verified, and nothing where nothing is taken", async () => {
  const { shape: _shape, ...binary } = FORM.takes;
  const body = Uint8Array.from([0xff, 0x00]);
  assertEquals((await readAs({ takes: binary }, { headers: HEADERS, body })).body, body);
  assertEquals(
    (await readAs({ takes: { ...FORM.takes, verified: true } }, { headers: HEADERS, body })).body,
    body,
  );
  assertEquals((await readAs({}, { body })).body, undefined);
});

Deno.test("readRequest() lets a body be absent where its shape is optional", async () => {
  const takes = { ...FORM.takes, shape: FORM.takes.shape.optional() };
  assertEquals((await readAs({ takes }, { headers: HEADERS })).body, undefined);
  assertEquals((await readAs({ takes }, GOOD)).body, { name: "a" });
  await assertRejects(() => readAs({ takes }, { ...GOOD, body: "null" }), Refusal);
});

Deno.test("readRequest() waits for a body as long as it is told", async () => {
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
  assertEquals((await codeOf({ headers: HEADERS, body })).split(":")[0], "request_timeout");
});

Deno.test("requireMediaType() gives the encoding, and refuses any that is not taken", () => {
  const encodingOf = (headers: Record<string, string>, takes: RequestBody) => {
    try {
      return requireMediaType(new Headers(headers), { takes });
    } catch (error) {
      return (error as Refusal).code;
    }
  };
  const { encodings: _encodings, ...any } = FORM.takes;
  const json = { "content-type": "Application/JSON" };
  const gzip = { ...json, "content-encoding": "GZIP" };
  const br = { ...json, "content-encoding": "br" };
  assertEquals([json, gzip, br].map((headers) => encodingOf(headers, FORM.takes)), [
    "",
    "gzip",
    "media_type",
  ]);
  const none = { ...FORM.takes, encodings: [] };
  assertEquals([json, gzip, br].map((headers) => encodingOf(headers, none)), [
    "",
    "media_type",
    "media_type",
  ]);
  assertEquals([json, gzip, br].map((headers) => encodingOf(headers, any)), ["", "", ""]);
  assertEquals(encodingOf({}, FORM.takes), "media_type");
  assertEquals(encodingOf({}, { ...any, namesType: false }), "");
  assertEquals(encodingOf({ "content-type": "application/json; charset=utf-8" }, FORM.takes), "media_type");
});
