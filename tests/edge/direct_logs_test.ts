/** The short way of a log beside the long one: the same answers to the same bytes, and nothing more that gets through. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { concat, utf8 } from "../../core/base/bytes.ts";
import { Admission } from "../../edge/admission/admission.ts";
import { deidentify, type EdgeHandler, type EdgeOptions } from "../../edge/deidentify.ts";
import { storedLog } from "../../edge/log_answer.ts";
import type { LogMessage } from "../../edge/log_message.ts";
import { SEND_LOG } from "../../edge/operations/client.ts";
import { present } from "../support/base/present.ts";
import {
  logBody,
  logsPath,
  oneToken,
  signLog,
  type Token,
  tokensOf,
} from "../support/client/protocol_client.ts";
import { HOP_TOKEN, HOST, withBothWays } from "../support/http/both_ways.ts";
import { systemRandom, withService } from "../support/service/service.ts";

/** All bytes of an answer but its date, in Latin-1. */
async function answerOf(port: number, request: Uint8Array): Promise<string> {
  const connection = await Deno.connect({ port });
  try {
    await connection.write(request);
    let text = "";
    // A connection whose request has not ended stays open behind its answer.
    const buffer = new Uint8Array(64 * 1024);
    while (!isWhole(text)) {
      const read = await connection.read(buffer);
      if (read === null) break;
      text += new TextDecoder("latin1").decode(buffer.subarray(0, read));
    }
    return text.replace(/^date: .*\r\n/im, "");
  } catch (error) {
    return `broke off: ${error instanceof Error ? error.name : error}`;
  } finally {
    connection.close();
  }
}

/** Whether an answer has all the bytes that it announces. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  const length = /^content-length: (\d+)/im.exec(text)?.[1];
  return end !== -1 && length !== undefined && text.length >= end + 4 + Number(length);
}

/** A request before it is written down. */
interface Draft {
  readonly use: number;
  method: string;
  target: string;
  version: string;
  headers: [name: string, value: string][];
  body: Uint8Array;
  isChunked: boolean;
}

type Change = readonly [name: string, change: (draft: Draft, token: Token) => void];

function set(name: string, value: string): Change {
  return [`${name}: ${value.slice(0, 40)}`, ({ headers }) => {
    const at = headers.findIndex(([known]) => known.toLowerCase() === name.toLowerCase());
    headers.splice(at === -1 ? headers.length : at, at === -1 ? 0 : 1, [name, value]);
  }];
}
const add = (name: string, value: string): Change => [
  `+ ${name}: ${value.slice(0, 40)}`,
  ({ headers }) => headers.push([name, value]),
];
const drop = (name: string): Change => [`- ${name}`, (draft) => {
  draft.headers = draft.headers.filter(([known]) => known !== name);
}];
const target = (text: string): Change => [`target ${text.slice(0, 60)}`, (draft) => draft.target = text];
const method = (text: string): Change => [`method ${text}`, (draft) => draft.method = text];
/** Another body, which the credential does not cover. */
const body = (text: string | Uint8Array): Change => [
  `body ${typeof text === "string" ? text.slice(0, 40) : text.length}`,
  (draft) => draft.body = typeof text === "string" ? utf8(text) : text,
];
const credential = (name: string, change: (text: string) => string): Change => [
  `credential ${name}`,
  ({ headers }) => {
    for (const header of headers) if (header[0] === "authorization") header[1] = change(header[1]);
  },
];
/** A signed body of other members. */
const signed = (name: string, members: Record<string, unknown>, encoding: "" | "gzip" = ""): Change => [
  `signed ${name}`,
  (draft, token) => {
    const log = signLog(token, { use: draft.use, body: logBody(token, members), encoding });
    draft.body = log.body;
    draft.headers = [["host", HOST], ...Object.entries(log.headers)];
  },
];

/** Another digit of base64url than this one. */
const otherDigit = (digit: string) => digit === "_" ? "A" : "_";

const event = (fields: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  events: [{ name: "note_saved", fields, ...more }],
});

const CHANGES: readonly Change[] = [
  ["nothing", () => {}],
  ...["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", "TRACE", "PURGE"].map(method),
  ...[
    "/v1/apps/notes/logs/",
    "/v1/apps/notes/logs?",
    "/v1/apps/notes/logs?who=alice",
    "/v1/apps/notes/logs#x",
    "/v1/apps//logs",
    "/v1/apps/other/logs",
    "/v1/apps/Notes/logs",
    "/v1/apps/-/logs",
    "/v1/apps/a.b/logs",
    "/v1/apps/__proto__/logs",
    "/v1/apps/notes/../notes/logs",
    "/v1/apps/n%6Ftes/logs",
    "//v1/apps/notes/logs",
    "/V1/apps/notes/logs",
    "/v1/apps/notes\\logs",
    "http://telemetry.example/v1/apps/notes/logs",
    "http://other.example/v1/apps/notes/logs",
    `/v1/apps/${"a".repeat(64)}/logs`,
    `/v1/apps/${"a".repeat(3_000)}/logs`,
  ].map(target),
  ...[
    "TELEMETRY.example",
    "telemetry.example:8443",
    "telemetry.example:99999",
    "telemetry.example:",
    "logs.example",
    "a b",
    "a/v1#",
    "user@telemetry.example",
    "0x7f.1",
    "256.1.1.1",
    "[::1]",
    "[::1",
    "127.0.0.1",
    "telemetry.example.",
    "..",
    ":80",
    "xn--",
    "telemetry..example",
    "",
  ].map((value) => set("host", value)),
  drop("host"),
  add("host", "other.example"),
  ["HTTP/1.0", (draft) => draft.version = "1.0"],
  drop("content-type"),
  ...["text/plain", "application/json; charset=utf-8", "APPLICATION/JSON", "application/json, text/plain", ""]
    .map((value) => set("content-type", value)),
  add("content-type", "application/json"),
  ...["gzip", "GZIP", "br", "identity", "gzip, gzip", ""].map((value) => set("content-encoding", value)),
  drop("authorization"),
  ...["Bearer a.b.c", "DIT", "DIT ", "dit key=a", "DITX key=a", "", "Basic dTpw"].map((value) =>
    set("authorization", value)
  ),
  credential("in another order", (text) => text.replace(/^DIT (key=[^,]+), (nonce=[^,]+)/, "DIT $2, $1")),
  credential("quoted", (text) => text.replace(/mac=(.*)$/, 'mac="$1"')),
  credential("spaced", (text) => text.replaceAll(", ", " ,\t ")),
  credential("in capitals", (text) => text.replace("DIT key", "dIt  KEY")),
  credential("cut short", (text) => text.replace(/..$/, "A")),
  credential("longer", (text) => `${text}A`),
  credential("twice", (text) => `${text}, use=1`),
  credential("with trailing bits", (text) => text.replace(/.$/, "_")),
  credential("of another key", (text) => text.replace(/(?<=key=)./, otherDigit)),
  credential("of another nonce", (text) => text.replace(/(?<=nonce=)./, otherDigit)),
  credential("of another use", (text) => text.replace(/use=\d+/, "use=63")),
  credential("of a far use", (text) => text.replace(/use=\d+/, "use=64")),
  credential("of no use", (text) => text.replace(/use=\d+/, "use=01")),
  credential("of a huge use", (text) => text.replace(/use=\d+/, "use=99999")),
  credential("of another MAC", (text) => text.replace(/(?<=mac=)./, otherDigit)),
  credential("padded", (text) => `${text}=`),
  credential("far too long", (text) => text + " ".repeat(500)),
  ...["", "{", "null", "[]", "{}", '{"events":[]}', "\u00ff"].map(body),
  body(new Uint8Array(64 * 1024)),
  body(new Uint8Array(64 * 1024 + 1)),
  ["chunked", (draft) => draft.isChunked = true],
  ["chunked and too long", (draft) => {
    draft.isChunked = true;
    draft.body = new Uint8Array(64 * 1024 + 1);
  }],
  ["chunked, with another length", (draft) => {
    draft.isChunked = true;
    draft.headers.push(["content-length", "3"]);
  }],
  ...["65537", "999999999999", "1e3", "-1", "abc", "3, 3"].map((value) => add("content-length", value)),
  add("content-length", ""),
  signed("gzip", {}, "gzip"),
  signed("unknown event", { events: [{ name: "nobody", fields: {} }] }),
  signed("unknown field", event({ ok: true, who: "alice" })),
  signed("missing field", event({})),
  signed("invalid field", event({ ok: "yes" })),
  signed("stopped event", { events: [{ name: "note_stopped", fields: {} }] }),
  signed("partly", { events: [...event({ ok: true }).events, { name: "nobody", fields: {} }] }),
  signed("of two", { events: [...event({ ok: true }).events, ...event({ ok: false }).events] }),
  signed("invalid time", event({ ok: true }, { at: "yesterday" })),
  signed("no salt", { salt: undefined }),
  signed("short salt", { salt: "AAAA" }),
  signed("unknown member", { who: "alice" }),
  signed("no binding", { binding: undefined }),
  signed("no pseudonym", { pseudonym: undefined }),
  signed("another pseudonym", { pseudonym: "AAAAAAAAAAAAAAAAAAAAAA" }),
  signed("a pad", { pad: "x".repeat(1_000) }),
  signed("too long", { pad: "x".repeat(70_000) }),
  signed("101 events", { events: Array(101).fill(event({ ok: true }).events[0]) }),
  add("cookie", "session=1; who=alice"),
  add("x-forwarded-for", "203.0.113.9"),
  add("origin", "https://who.example"),
  add("accept", "text/html"),
  add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
  add("dit-hop", HOP_TOKEN),
  add("dit-hop", "wrong"),
  add("dit-replayed", "?1"),
  add("x-dit-code", "internal"),
  add("expect", "100-continue"),
  add("__proto__", "1"),
  add("x-long", "a".repeat(16 * 1024)),
  ["101 fields", ({ headers }) => {
    for (let index = 0; index < 101; index++) headers.push([`x-${index}`, "1"]);
  }],
  ["90 fields", ({ headers }) => {
    for (let index = 0; index < 90; index++) headers.push([`x-${index}`, "1"]);
  }],
];

function write({ method, target, version, headers, body, isChunked }: Draft): Uint8Array {
  const fields = [...headers, ["connection", "close"]];
  if (isChunked) fields.push(["transfer-encoding", "chunked"]);
  else if (!headers.some(([name]) => name === "content-length")) {
    fields.push(["content-length", `${body.length}`]);
  }
  const head = utf8(
    `${method} ${target} HTTP/${version}\r\n${fields.map((field) => field.join(": ")).join("\r\n")}\r\n\r\n`,
  );
  if (!isChunked) return concat(head, body);
  return concat(head, utf8(`${body.length.toString(16)}\r\n`), body, utf8("\r\n0\r\n\r\n"));
}

/** The same log of two uses, changed in the same way. */
function drafts(token: Token, use: number, changes: readonly Change[]): [Uint8Array, Uint8Array] {
  return [use, use + 1].map((own) => {
    const log = signLog(token, { use: own });
    const draft: Draft = {
      use: own,
      method: "POST",
      target: logsPath(),
      version: "1.1",
      headers: [["host", HOST], ...Object.entries(log.headers)],
      body: log.body,
      isChunked: false,
    };
    for (const [, change] of changes) change(draft, token);
    return write(draft);
  }) as [Uint8Array, Uint8Array];
}

/** Each change alone, and with as many others, always the same. */
function* cases(): Generator<readonly Change[]> {
  for (const change of CHANGES) yield [change];
  for (const step of [7, 31]) {
    for (const [index, change] of CHANGES.entries()) {
      const other = CHANGES[(index * step + step) % CHANGES.length];
      if (other !== undefined) yield [change, other];
    }
  }
}

Deno.test("A log is answered the same on both ways, byte for byte, and counted the same", async () => {
  await withService({}, async (test) => {
    const tokens = (await Promise.all(
      ["a", "b", "c", "d", "e"].map((subject) => tokensOf(test, { subject, count: 4 })),
    )).flat();
    await withBothWays(test, () => ({}), async (long, short) => {
      let number = 0;
      const statuses = new Map<string, number>();
      for (const changes of cases()) {
        const token = present(tokens[Math.floor(number / 30)]);
        const [first, second] = drafts(token, number % 30 * 2, changes);
        number++;
        const name = changes.map(([name]) => name).join(" & ");
        // What was stored is replayed the second time.
        for (let turn = 0; turn < 2; turn++) {
          const [a, b] = await Promise.all([answerOf(long.port, first), answerOf(short.port, second)]);
          assertEquals(b, a, name);
          const status = a.slice(9, 12);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }
      assertEquals(short.lines, long.lines);
      assertEquals(short.counted, long.counted);
      assert(number > 300, `${number} cases`);
      assert(short.direct > 300, `${short.direct} went the short way`);
      assertEquals(long.direct, 0);
      for (const status of ["200", "400", "401", "403", "404", "405", "413", "415", "422", "431"]) {
        assert((statuses.get(status) ?? 0) > 0, `Nothing was answered ${status}`);
      }
    });
  });
});

Deno.test("A log is refused the same on both ways by hosts, doors and the throttle", async () => {
  const rules: readonly (() => Partial<EdgeOptions>)[] = [
    () => ({ logHost: "logs.example" }),
    () => ({ logHost: HOST, issueHost: "logs.example" }),
    () => ({ door: "operators" }),
    () => ({ door: "public" }),
    () => ({ admission: new Admission(systemRandom, { burst: 2, requestsPerSecond: 1e-9 }) }),
    () => ({ admission: new Admission(systemRandom, { maxConcurrent: 0 }) }),
    () => ({
      senderOf: () => {
        throw new Error("Nobody expected this.");
      },
    }),
  ];
  await withService({}, async (test) => {
    const token = await oneToken(test);
    let use = 0;
    for (const rule of rules) {
      await withBothWays(test, rule, async (long, short) => {
        for (const change of [[], [add("dit-hop", HOP_TOKEN)], [set("host", "logs.example")], []]) {
          const [first, second] = drafts(token, use, change);
          use = (use + 2) % 60;
          assertEquals(await answerOf(short.port, second), await answerOf(long.port, first), `${rule}`);
        }
        assertEquals(short.lines, long.lines);
      });
    }
  });
});

/** An edge that keeps what would reach the verb. */
function keepingEdge(): { handle: EdgeHandler; seen: LogMessage[]; others: Request[] } {
  const seen: LogMessage[] = [];
  const others: Request[] = [];
  const handle = deidentify({
    admission: new Admission(systemRandom),
    hopToken: HOP_TOKEN,
    sendLog: (message) => {
      seen.push(message);
      return Promise.resolve(storedLog({ accepted: 1, rejected: [], replayed: false }));
    },
    handle: (request) => {
      others.push(request);
      return new Response("{}");
    },
  });
  return { handle, seen, others };
}

Deno.test("Nothing of a request reaches the verb of a log but the values of its list", async () => {
  const { handle, seen, others } = keepingEdge();
  const name = fc.oneof(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/),
    fc.constantFrom(
      ..."cookie user-agent x-forwarded-for forwarded origin referer traceparent dit-client dit-hop accept host constructor __proto__ authorization content-encoding content-length"
        .split(" "),
    ),
  );
  const value = fc.stringMatching(/^canary-[!-~]{1,40}$/);
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 40 }), async (headers) => {
    seen.length = others.length = 0;
    const all: [string, string][] = [
      ...headers.filter(([name]) => name !== "host"),
      ["host", HOST],
      ["content-type", "application/json"],
    ];
    const init = { method: "POST", headers: all, body: "{}", referrer: "https://canary.example/" };
    await (await handle(new Request(`https://${HOST}${logsPath()}`, init), "192.0.2.1")).body?.cancel();
    assertEquals([seen.length, others.length], [1, 0]);
    const message = present(seen[0]);
    // All that there is of it, symbols and prototypes too.
    assertEquals(Reflect.ownKeys(message).toSorted(), ["app", "fields", "hop", "readBody"]);
    assertEquals(Reflect.ownKeys(message.fields).toSorted(), [...SEND_LOG.passes].toSorted());
    assertEquals(Reflect.getPrototypeOf(message), Object.prototype);
    assertEquals(Reflect.getPrototypeOf(message.fields), Object.prototype);
    assertEquals(Reflect.ownKeys(message.readBody).toSorted(), ["length", "name"]);
    const sent = new Headers(all);
    for (const [field, reached] of Object.entries(message.fields)) {
      const isSession = field === "authorization" && !/^DIT(?: |$)/i.test(sent.get(field) ?? "");
      assertEquals(reached, isSession ? null : sent.get(field), field);
    }
    assert(["none", "claimed"].includes(message.hop));
    assertEquals(new TextDecoder().decode(await message.readBody({ maxBytes: 10 })), "{}");
  }));
});
