/** Every row of section 6 of docs/protocol.md that a log can meet: its status, its code, and that nothing was written. */
import { assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import { concat, toBase64url, utf8 } from "../../../core/base/bytes.ts";
import type { RefusalCode } from "../../../core/base/errors.ts";
import { assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import { boundNonce, freshPseudonym } from "../../support/client/bound_nonce.ts";
import { logBody, logsPath, oneToken, signLog, type Token } from "../../support/client/protocol_client.ts";
import { configOf, systemRandom, withService } from "../../support/service/service.ts";

type Log = ReturnType<typeof signLog>;
type Row = readonly [
  status: number,
  code: RefusalCode,
  what: string,
  make: (token: Token) => RequestInit & { readonly path?: string },
];

/** A log whose headers are changed after it was signed; undefined takes one away. */
function withHeaders(token: Token, changes: Record<string, string | undefined>): Log {
  const log = signLog(token);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete log.headers[name];
    else log.headers[name] = value;
  }
  return log;
}

/** A log whose credential is changed after it was signed. */
function withCredential(token: Token, change: (credential: string) => string): Log {
  const log = signLog(token);
  log.headers.authorization = change(log.headers.authorization!);
  return log;
}

function withBody(members: Record<string, unknown>): (token: Token) => Log {
  return (token) => signLog(token, { body: logBody(token, members) });
}

type Bytes = Uint8Array<ArrayBuffer>;

function withBytes(bytes: Bytes | ((token: Token) => Bytes)): (token: Token) => Log {
  return (token) => signLog(token, { body: typeof bytes === "function" ? bytes(token) : bytes });
}

/** The members of an honest body but its events, as JSON. */
function membersOf({ pseudonym, binding }: Token): string {
  return `"salt": "AAAAAAAAAAAAAAAAAAAAAA", "pseudonym": "${pseudonym}", "binding": "${binding}"`;
}

/** A token that nobody was issued. */
const OTHER = boundNonce();

/** An honest body with one more member behind its others. */
function withSecond(name: string, token: Token): Bytes {
  const text = new TextDecoder().decode(logBody(token));
  return utf8(`${text.slice(0, -1)},"${name}":"${freshPseudonym()}"}`);
}

function withPacked(make: (token: Token) => Bytes): (token: Token) => Log {
  return (token) => signLog(token, { packed: make(token) });
}

function packed(token: Token): Bytes {
  return Uint8Array.from(gzipSync(logBody(token)));
}

function streamed(log: Log, body: ReadableStream<Uint8Array<ArrayBuffer>>): RequestInit {
  return { ...log, body, duplex: "half" } as RequestInit;
}

const opened = { name: "app_opened", fields: {} };
const flipLast = (text: string) => text.slice(0, -2) + (text.at(-2) === "A" ? "B" : "A") + text.at(-1);

const rows: Row[] = [
  [400, "body_malformed", "a body that is not JSON", withBytes(utf8("salt=1"))],
  [400, "body_malformed", "no body", withBytes(new Uint8Array())],
  [400, "body_malformed", "a body that is a list", withBytes(utf8("[]"))],
  [400, "body_malformed", "a body that is null", withBytes(utf8("null"))],
  [
    400,
    "body_malformed",
    "a byte order mark",
    withBytes((token) => concat(Uint8Array.of(0xef, 0xbb, 0xbf), logBody(token))),
  ],
  [
    400,
    "body_malformed",
    "invalid UTF-8",
    withBytes(concat(utf8('{"salt":"'), Uint8Array.of(0xff), utf8('"}'))),
  ],
  [
    400,
    "body_malformed",
    "JSON and something behind it",
    withBytes((token) => concat(logBody(token), utf8("{}"))),
  ],
  [400, "body_malformed", "a body of nothing but brackets", withBytes(utf8("[".repeat(60_000)))],
  [400, "body_malformed", "a member called __proto__", withBytes(utf8('{"__proto__": {}}'))],
  [
    422,
    "events_invalid",
    "an event and a field called as members of every object",
    withBytes((token) =>
      utf8(
        `{${membersOf(token)}, "events": [
      {"name": "__proto__", "fields": {}},
      {"name": "constructor", "fields": {}},
      {"name": "note_saved", "fields": {"ok": true, "__proto__": {"ok": true}}}
    ]}`,
      )
    ),
  ],
  [
    422,
    "events_invalid",
    "a field as deep as a body can be",
    withBytes((token) =>
      utf8(
        `{${membersOf(token)}, "events": [
      {"name": "note_saved", "fields": {"ok": ${"[".repeat(30_000)}${"]".repeat(30_000)}}}
    ]}`,
      )
    ),
  ],
  [400, "body_malformed", "an unknown member", withBody({ user: "alice" })],
  [400, "body_malformed", "no salt", withBody({ salt: undefined })],
  [400, "body_malformed", "a salt of 15 bytes", withBody({ salt: toBase64url(systemRandom(15)) })],
  [400, "body_malformed", "a salt with padding", withBody({ salt: toBase64url(systemRandom(16)) + "==" })],
  [400, "body_malformed", "a salt with trailing bits", withBody({ salt: "AAAAAAAAAAAAAAAAAAAAAB" })],
  [400, "body_malformed", "a pad that is a number", withBody({ pad: 0 })],
  [400, "body_malformed", "no pseudonym", withBody({ pseudonym: undefined })],
  [400, "body_malformed", "a pseudonym that is null", withBody({ pseudonym: null })],
  [400, "body_malformed", "a pseudonym of 32 bytes", withBody({ pseudonym: toBase64url(systemRandom(32)) })],
  [400, "body_malformed", "no binding", withBody({ binding: undefined })],
  [400, "body_malformed", "a binding that is null", withBody({ binding: null })],
  [400, "body_malformed", "a binding of 16 bytes", withBody({ binding: toBase64url(systemRandom(16)) })],
  [
    400,
    "body_malformed",
    "a binding with trailing bits",
    (token) => withBody({ binding: flipTrailingBits(token.binding) })(token),
  ],
  [400, "body_malformed", "a member Pseudonym", withBody({ Pseudonym: freshPseudonym() })],
  [400, "body_malformed", "a binding and no pseudonym", withBody({ pseudonym: undefined })],
  [401, "pseudonym_mismatch", "another pseudonym", withBody({ pseudonym: freshPseudonym() })],
  [401, "pseudonym_mismatch", "another binding", withBody({ binding: boundNonce().binding })],
  [
    401,
    "pseudonym_mismatch",
    "what another token is bound by",
    withBody({ pseudonym: OTHER.pseudonym, binding: OTHER.binding }),
  ],
  [
    401,
    "pseudonym_mismatch",
    "another pseudonym in a packed body",
    (token) => signLog(token, { body: logBody(token, { pseudonym: freshPseudonym() }), encoding: "gzip" }),
  ],
  [
    401,
    "pseudonym_mismatch",
    "a second pseudonym behind the token's own",
    withBytes((token) => withSecond("pseudonym", token)),
  ],
  [
    401,
    "pseudonym_mismatch",
    "a second pseudonym whose name is escaped",
    withBytes((token) => withSecond("pseudony\\u006d", token)),
  ],
  [
    401,
    "pseudonym_mismatch",
    "another pseudonym with nothing that is collected",
    withBody({ pseudonym: freshPseudonym(), events: [{ name: "never_declared", fields: {} }] }),
  ],
  [
    401,
    "mac_invalid",
    "another pseudonym under a MAC that does not fit",
    (token) => ({ ...signLog(token), body: logBody(token, { pseudonym: freshPseudonym() }) }),
  ],
  [400, "body_malformed", "no events", withBody({ events: undefined })],
  [400, "body_malformed", "an empty list of events", withBody({ events: [] })],
  [400, "body_malformed", "101 events", withBody({ events: Array(101).fill(opened) })],
  [400, "body_malformed", "an event without fields", withBody({ events: [opened, { name: "app_opened" }] })],
  [
    400,
    "body_malformed",
    "fields that are a list",
    withBody({ events: [{ name: "app_opened", fields: [] }] }),
  ],
  [400, "body_malformed", "an unknown member of an event", withBody({ events: [{ ...opened, ip: "::1" }] })],
  [400, "body_malformed", "a time that is a number", withBody({ events: [{ ...opened, at: 1 }] })],
  [400, "body_malformed", "plain JSON under gzip", withPacked(logBody)],
  [400, "body_malformed", "gzip that breaks off", withPacked((token) => packed(token).slice(0, -9))],
  [
    400,
    "body_malformed",
    "gzip with a wrong checksum",
    withPacked((token) => {
      const bytes = packed(token);
      bytes[bytes.length - 5]! ^= 1;
      return bytes;
    }),
  ],
  [
    400,
    "body_malformed",
    "gzip with zeros behind it",
    withPacked((token) => concat(packed(token), new Uint8Array(8))),
  ],
  [400, "body_malformed", "gzip that is sent as plain", (token) => signLog(token, { body: packed(token) })],
  [408, "request_timeout", "a body that breaks off", (token) => {
    const cut = new ReadableStream({
      start(controller) {
        controller.enqueue(utf8('{"salt"'));
        controller.error(new Error("canary: the connection was reset by 203.0.113.9"));
      },
    });
    return streamed(signLog(token), cut);
  }],
  [
    400,
    "query_refused",
    "a query string",
    (token) => ({ ...signLog(token), path: `${logsPath()}?session=canary` }),
  ],

  [
    401,
    "credential_missing",
    "no Authorization",
    (token) => withHeaders(token, { authorization: undefined }),
  ],
  [401, "credential_missing", "a session", (token) => withHeaders(token, { authorization: "Bearer a.b.c" })],
  [
    401,
    "credential_missing",
    "another scheme",
    (token) => withHeaders(token, { authorization: "DITTO key=AA" }),
  ],
  [401, "credential_malformed", "a scheme alone", (token) => withHeaders(token, { authorization: "DIT" })],
  ...([
    ["no key", (text) => text.replace(/key=[^,]*, /, "")],
    ["no nonce", (text) => text.replace(/nonce=[^,]*, /, "")],
    ["no use", (text) => text.replace(/use=0, /, "")],
    ["no MAC", (text) => text.replace(/, mac=.*/, "")],
    ["an empty MAC", (text) => text.replace(/mac=.*/, "mac=")],
    ["a parameter twice", (text) => `${text}, use=0`],
    ["an unknown parameter", (text) => `${text}, app=notes`],
    ["an empty parameter", (text) => `${text},`],
    ["semicolons", (text) => text.replaceAll(",", ";")],
    ["a use with a leading zero", (text) => text.replace("use=0", "use=00")],
    ["a signed use", (text) => text.replace("use=0", "use=+0")],
    ["a negative use", (text) => text.replace("use=0", "use=-0")],
    ["a use in hexadecimal", (text) => text.replace("use=0", "use=0x0")],
    ["a use of five digits", (text) => text.replace("use=0", "use=10000")],
    ["a use that is a fraction", (text) => text.replace("use=0", "use=0.0")],
    ["a quoted value with a backslash", (text) => text.replace("use=0", 'use="\\0"')],
    ["a quote that does not close", (text) => text.replace("use=0", 'use="0')],
    ["a padded MAC", (text) => `${text}=`],
    ["a MAC with trailing bits", flipTrailingBits],
    ["a MAC in another alphabet", (text) => text.replace(/mac=.{4}/, "mac=+/+/")],
    ["a MAC of 31 bytes", (text) => text.replace(/mac=.*/, `mac=${toBase64url(systemRandom(31))}`)],
    ["a key id of 33 bytes", (text) => text.replace(/key=[^,]*/, `key=${toBase64url(systemRandom(33))}`)],
    ["a truncated nonce", (text) => text.replace(/nonce=[^,]*/, `nonce=${toBase64url(systemRandom(16))}`)],
    ["513 characters", (text) => text.replace("DIT ", "DIT" + " ".repeat(513 - text.length + 1))],
    ["two credentials", (text) => `${text}, ${text}`],
  ] satisfies [string, (text: string) => string][]).map(([what, change]): Row => [
    401,
    "credential_malformed",
    `a credential with ${what}`,
    (token) => withCredential(token, change),
  ]),
  [401, "key_unknown", "a key id that nobody made", (token) => signLog(token, { keyId: systemRandom(32) })],
  [
    401,
    "mac_invalid",
    "a MAC of random bytes",
    (token) =>
      withCredential(token, (text) => text.replace(/mac=.*/, `mac=${toBase64url(systemRandom(32))}`)),
  ],
  [401, "mac_invalid", "a MAC with one bit flipped", (token) => withCredential(token, flipLast)],
  [
    401,
    "mac_invalid",
    "a nonce that was not signed",
    (token) => signLog({ ...token, nonce: systemRandom(32) }),
  ],
  [
    401,
    "mac_invalid",
    "another use than the signed one",
    (token) => withCredential(token, (text) => text.replace("use=0", "use=1")),
  ],
  [
    401,
    "mac_invalid",
    "another body than the signed one",
    (token) => ({ ...signLog(token), body: logBody(token) }),
  ],
  [401, "mac_invalid", "a body without its last byte", (token) => {
    const log = signLog(token);
    return { ...log, body: log.body.slice(0, -1) };
  }],
  [
    401,
    "mac_invalid",
    "a log signed for another application",
    (token) => signLog(token, { transcriptApp: "other" }),
  ],
  [401, "mac_invalid", "gzip that was signed as plain", (token) => {
    const log = signLog(token, { body: packed(token) });
    log.headers["content-encoding"] = "gzip";
    return log;
  }],
  [401, "mac_invalid", "a wrong MAC over a malformed body", (token) => {
    const log = signLog(token, { body: utf8("{") });
    log.headers.authorization = flipLast(log.headers.authorization!);
    return log;
  }],

  [403, "use_out_of_range", "a use at the limit", (token) => signLog(token, { use: 64 })],
  [403, "use_out_of_range", "the largest use there is", (token) => signLog(token, { use: 9_999 })],
  [
    404,
    "app_unknown",
    "an unknown application",
    (token) => ({ ...signLog(token), path: logsPath("nobody") }),
  ],
  [
    404,
    "app_unknown",
    "an application named like a member of every object",
    (token) => ({ ...signLog(token), path: logsPath("__proto__") }),
  ],
  [
    404,
    "route_unknown",
    "a name in percent signs",
    (token) => ({ ...signLog(token), path: logsPath("%zz") }),
  ],
  [
    408,
    "request_timeout",
    "a body that does not arrive",
    (token) =>
      streamed(signLog(token), new ReadableStream({ start: (controller) => controller.enqueue(utf8("{")) })),
  ],

  [413, "body_too_large", "a body over 64 KiB", withBody({ pad: "0".repeat(64 * 1024) })],
  [
    413,
    "body_too_large",
    "a length over 64 KiB that is only announced",
    (token) => withHeaders(token, { "content-length": String(64 * 1024 + 1) }),
  ],
  [413, "body_too_large", "a stream that never ends", (token) => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(4_096)) });
    return streamed(signLog(token), endless);
  }],
  [
    413,
    "body_too_large",
    "gzip that unpacks to more than 64 KiB",
    (token) => signLog(token, { body: logBody(token, { pad: "0".repeat(64 * 1024) }), encoding: "gzip" }),
  ],
  [
    413,
    "body_too_large",
    "gzip that unpacks to 64 MiB",
    (token) =>
      signLog(token, {
        packed: Uint8Array.from(gzipSync(new Uint8Array(64 * 1024 * 1024))).slice(0, 64 * 1024),
      }),
  ],

  ...[
    undefined,
    "",
    "text/plain",
    "application/json; charset=utf-8",
    "application/json;",
    "application/problem+json",
    "application/json, application/json",
  ].map((type): Row => [
    415,
    "media_type",
    `the content type ${type}`,
    (token) => withHeaders(token, { "content-type": type }),
  ]),
  ...["br", "deflate", "identity", "gzip, gzip", "x-gzip", "gzip;q=1"].map((encoding): Row => [
    415,
    "media_type",
    `the content encoding ${encoding}`,
    (token) => withHeaders(token, { "content-encoding": encoding }),
  ]),
  [
    431,
    "headers_too_large",
    "101 headers",
    (token) =>
      withHeaders(token, Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, "1"]))),
  ],
  [
    431,
    "headers_too_large",
    "16 KiB of headers",
    (token) => withHeaders(token, { "x-long": "1".repeat(16_384) }),
  ],
];

function flipTrailingBits(text: string): string {
  // 32 bytes leave two bits of the last character unused, which have to be zero.
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) + 1];
}

for (const [status, code, what, make] of rows) {
  Deno.test(`POST logs answers ${status} ${code} to ${what}`, async () => {
    await withService(status === 408 ? { bodyDeadlineMs: 500 } : {}, async (test) => {
      const token = await oneToken(test);
      const { path = logsPath(), ...init } = make(token);
      const problem = await assertRefusedUnwritten(test, [path, init], status, code);
      const text = JSON.stringify(problem);
      for (
        const secret of [
          "canary",
          token.binding,
          token.pseudonym,
          toBase64url(token.nonce),
          toBase64url(token.macKey),
          "alice",
        ]
      ) {
        assertEquals(text.includes(secret), false, `the answer repeats ${secret}`);
      }
      // The use is still there for an honest log.
      assertEquals((await test.send(logsPath(), signLog(token))).status, 200);
    });
  });
}

Deno.test("POST logs answers 413 body_too_large to a body within 64 KiB whose record is over 60 KiB", async () => {
  const name = (letter: string) => letter.repeat(63);
  const word = "w".repeat(64);
  const names = ["a", "b", "c", "d"].map(name);
  const wide = {
    description: "An event of many bytes.",
    purpose: "To fill a record.",
    owner: "notes-team",
    expires: "2099-12-31",
    fields: Object.fromEntries(names.map((field) => [field, { type: "enum", values: [word] } as const])),
  };
  await withService({ config: configOf({ notes: { events: { [name("e")]: wide } } }) }, async (test) => {
    const token = await oneToken(test);
    const event = { name: name("e"), fields: Object.fromEntries(names.map((field) => [field, word])) };
    const fits = logBody(token, { events: Array(90).fill(event) });
    const body = logBody(token, { events: Array(99).fill(event) });
    assertEquals(body.length <= 64 * 1024, true);
    await assertRefusedUnwritten(test, [logsPath(), signLog(token, { body })], 413, "body_too_large");
    assertEquals((await test.send(logsPath(), signLog(token, { body: fits }))).status, 200);
  });
});

Deno.test("POST logs takes a body of exactly 64 KiB, plain and unpacked", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const short = logBody(token, { pad: "" });
    const body = utf8(
      new TextDecoder().decode(short).replace('"pad":""', `"pad":"${"0".repeat(65_536 - short.length)}"`),
    );
    assertEquals(body.length, 65_536);
    for (const [use, encoding] of (["", "gzip"] as const).entries()) {
      assertEquals((await test.send(logsPath(), signLog(token, { use, body, encoding }))).status, 200);
    }
  });
});
