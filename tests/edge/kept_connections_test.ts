/**
 * Two requests on one connection: whatever becomes of the first and of a body that nobody reads, the second is answered
 * as itself or not at all, on the short way of a log as on the long one.
 */
import { assert, assertEquals } from "@std/assert";
import { concat, utf8 } from "../../core/base/bytes.ts";
import { MAX_BODY_BYTES } from "../../core/schema/body.ts";
import { LOG_BATCH_TYPE } from "../../core/token/log_batch.ts";
import { Admission } from "../../edge/admission/admission.ts";
import { present } from "../support/base/present.ts";
import { logsPath, signLog, type Token, tokensOf } from "../support/client/protocol_client.ts";
import { HOST, type Way, withBothWays } from "../support/http/both_ways.ts";
import { type KeptAnswer, KeptConnection } from "../support/http/kept_connection.ts";
import { systemRandom, withService } from "../support/service/service.ts";

type SignedLog = ReturnType<typeof signLog>;
type Headers = Record<string, string | undefined>;

/** The first request of a connection, by what differs from a log that is taken. */
interface First {
  readonly name: string;
  /** What it is answered. */
  readonly status: number;
  readonly method?: string;
  readonly target?: string;
  /** Header fields in the place of those of a log; undefined: the field is not there. */
  readonly headers?: (log: Record<string, string>) => Headers;
  /** Bytes of its body; 2,000 by default. */
  readonly length?: number;
  /** Whether its body comes in chunks. */
  readonly isChunked?: boolean;
  /** Whether it is answered only when its body is there. */
  readonly needsBody?: boolean;
}

const FIRSTS: readonly First[] = [
  { name: "a log whose MAC is another's", status: 401, needsBody: true },
  { name: "a log whose MAC is another's", status: 401, needsBody: true, isChunked: true },
  { name: "too large", status: 413, length: MAX_BODY_BYTES + 1 },
  { name: "too large", status: 413, length: MAX_BODY_BYTES + 1, isChunked: true, needsBody: true },
  { name: "far too large", status: 413, length: 1_000_000 },
  { name: "far too large", status: 413, length: 1_000_000, isChunked: true, needsBody: true },
  {
    name: "no batch",
    status: 400,
    needsBody: true,
    headers: () => ({ "content-type": LOG_BATCH_TYPE, authorization: undefined }),
  },
  { name: "a batch with a credential", status: 401, headers: () => ({ "content-type": LOG_BATCH_TYPE }) },
  {
    name: "too large a batch",
    status: 413,
    length: 300_000,
    headers: () => ({ "content-type": LOG_BATCH_TYPE, authorization: undefined }),
  },
  ...[false, true].flatMap((isChunked): First[] => [
    { name: "media type", status: 415, isChunked, headers: () => ({ "content-type": "text/plain" }) },
    { name: "no media type", status: 415, isChunked, headers: () => ({ "content-type": undefined }) },
    { name: "encoding", status: 415, isChunked, headers: () => ({ "content-encoding": "br" }) },
    { name: "no credential", status: 401, isChunked, headers: () => ({ authorization: undefined }) },
    { name: "malformed credential", status: 401, isChunked, headers: () => ({ authorization: "DIT key=a" }) },
    {
      name: "unknown key",
      status: 401,
      isChunked,
      headers: ({ authorization = "" }) => ({
        authorization: authorization.replace(/key=[^,]*/, `key=${"A".repeat(43)}`),
      }),
    },
    {
      name: "use out of range",
      status: 403,
      isChunked,
      headers: ({ authorization = "" }) => ({ authorization: authorization.replace(/use=\d+/, "use=64") }),
    },
    { name: "unknown application", status: 404, isChunked, target: logsPath("elsewhere") },
    { name: "unknown route", status: 404, isChunked, target: "/nowhere" },
    { name: "method", status: 405, isChunked, method: "PUT" },
    { name: "GET with a body", status: 405, isChunked, method: "GET" },
  ]),
];

function write(
  { headers, body, method = "POST", target = logsPath() }: {
    readonly headers: Headers;
    readonly body: Uint8Array;
    readonly method?: string | undefined;
    readonly target?: string | undefined;
  },
  isChunked = false,
): { readonly head: Uint8Array; readonly rest: Uint8Array } {
  const fields = Object.entries({
    host: HOST,
    ...headers,
    [isChunked ? "transfer-encoding" : "content-length"]: isChunked ? "chunked" : `${body.length}`,
  }).filter(([, value]) => value !== undefined).map((field) => `${field.join(": ")}\r\n`).join("");
  return {
    head: utf8(`${method} ${target} HTTP/1.1\r\n${fields}\r\n`),
    rest: isChunked
      ? concat(utf8(`${body.length.toString(16)}\r\n`), body, utf8("\r\n0\r\n\r\n"))
      : new Uint8Array(body),
  };
}

/** Signs a log for the next use of tokens at each call. */
function logsOf(tokens: readonly Token[]): () => SignedLog {
  let used = 0;
  return () => {
    const use = used++;
    return signLog(present(tokens[Math.floor(use / 64)]), { use: use % 64 });
  };
}

/** A body that is a whole log, again and again: read as a request, it would be stored. */
function hiding(log: SignedLog, length: number): Uint8Array {
  const { head, rest } = write(log);
  const body = new Uint8Array(length).fill(0x0a);
  const hidden = concat(head, rest);
  for (let at = 0; at + hidden.length <= length; at += hidden.length) body.set(hidden, at);
  return body;
}

/** The bytes of two requests. */
interface Parts {
  /** The first one's header. */
  readonly head: Uint8Array;
  /** The first one's body. */
  readonly rest: Uint8Array;
  readonly second: Uint8Array;
}

type Answers = readonly [KeptAnswer | undefined, KeptAnswer | undefined];

/** When the parts of two requests are sent. */
const DELIVERIES = {
  async atOnce(connection: KeptConnection, { head, rest, second }: Parts): Promise<Answers> {
    const sent = connection.send(concat(head, rest, second));
    const answers = [await connection.answer(), await connection.answer()] as const;
    await sent;
    return answers;
  },
  async oneByOne(connection: KeptConnection, { head, rest, second }: Parts): Promise<Answers> {
    const sent = connection.send(concat(head, rest));
    const first = await connection.answer();
    await sent;
    await connection.send(second);
    return [first, await connection.answer()];
  },
  /** Only for what is refused by its header. */
  async bodyBehindAnswer(connection: KeptConnection, { head, rest, second }: Parts): Promise<Answers> {
    await connection.send(concat(head, rest.subarray(0, 10)));
    const first = await connection.answer();
    const sent = connection.send(concat(rest.subarray(10), second));
    const answers = [first, await connection.answer()] as const;
    await sent;
    return answers;
  },
};

/** Connects to one way, and does not leave the connection behind. */
async function connected<T>({ port }: Way, run: (connection: KeptConnection) => Promise<T>): Promise<T> {
  const connection = await KeptConnection.to(port);
  try {
    return await run(connection);
  } finally {
    connection.close();
  }
}

function whole(log: SignedLog): Uint8Array {
  const { head, rest } = write(log);
  return concat(head, rest);
}

const ACCEPTED = '{"accepted":1,"rejected":[]}';

Deno.test("a log behind a refused one is answered as itself, on both ways, and no body is read as a request", async () => {
  await withService({}, async (test) => {
    const tokens = await Promise.all(
      ["a", "b", "c"].map((subject) => tokensOf(test, { subject, count: 4 })),
    );
    const next = logsOf(tokens.flat());
    let taken = 0;
    await withBothWays(test, () => ({}), async (long, short) => {
      for (const first of FIRSTS) {
        for (const [delivery, deliver] of Object.entries(DELIVERIES)) {
          if (first.needsBody && deliver === DELIVERIES.bodyBehindAnswer) continue;
          const name = `${first.name}${first.isChunked ? ", in chunks" : ""}, ${delivery}`;
          const [a, b] = await Promise.all([long, short].map((way) => {
            const [hidden, log, good] = [next(), next(), next()];
            const { head, rest } = write({
              ...first,
              headers: { ...log.headers, ...first.headers?.(log.headers) },
              body: hiding(hidden, first.length ?? 2_000),
            }, first.isChunked);
            return connected(way, (connection) => deliver(connection, { head, rest, second: whole(good) }));
          }));
          assertEquals(b, a, name);
          const [refused, answered] = present(b);
          assertEquals(refused?.status, first.status, name);
          if (first.method === "GET") {
            // The runtime reads no body there, and closes the connection instead.
            assertEquals(answered, undefined, name);
            continue;
          }
          assertEquals([answered?.status, answered?.body], [200, ACCEPTED], name);
          assert(!answered?.text.includes("dit-replayed"), name);
          taken += 2;
        }
      }
      assert(short.direct > 50, `${short.direct} went the short way`);
      assertEquals(long.direct, 0);
      // One connection's answers may be told before or behind another's: which there are is what the two share.
      const told = ({ lines }: Way) => lines.map((line) => JSON.stringify(line)).toSorted();
      assertEquals(told(short), told(long));
    });
    assertEquals((await test.records()).length, taken);
  });
});

Deno.test("a request whose body breaks off takes no part of what comes behind it for a request, on both ways", async () => {
  await withService({}, async (test) => {
    const next = logsOf(await tokensOf(test, { count: 2 }));
    /** Sends a log without its end and what a test puts there; the codes and statuses of the answers. */
    const broken = (
      isChunked: boolean,
      end: (good: Uint8Array) => Uint8Array,
      headers: Headers = {},
      sent = 1_000,
    ) =>
    async (way: Way) => {
      const [hidden, log, good] = [next(), next(), next()];
      const body = hiding(hidden, 2_000);
      const { head, rest } = write({ headers: { ...log.headers, ...headers }, body }, isChunked);
      return await connected(way, async (connection) => {
        await connection.send(concat(head, rest.subarray(0, sent), end(whole(good))));
        await connection.endSending();
        const codes = [];
        for (let answer; (answer = await connection.answer()) !== undefined;) {
          codes.push(answer.status < 400 ? answer.status : JSON.parse(answer.body).code);
        }
        return codes;
      });
    };
    const nothing = () => new Uint8Array();
    // Who asks first whether to send a body, and hears a refusal, has to send it or close: what comes is the body.
    const asks = { expect: "100-continue" };
    await withBothWays(test, () => ({}), async (long, short) => {
      const cases: [ReturnType<typeof broken>, string[]][] = [
        [broken(false, nothing), ["request_timeout"]],
        [broken(true, nothing), ["request_timeout"]],
        [broken(false, nothing, { authorization: undefined }), ["credential_missing"]],
        [broken(false, nothing, { "content-encoding": "br" }), ["media_type"]],
        [broken(false, (good) => good, asks, 0), ["request_timeout"]],
        [broken(false, (good) => good, { ...asks, authorization: undefined }, 0), ["credential_missing"]],
      ];
      for (const [send, codes] of cases) {
        assertEquals([await send(long), await send(short)], [codes, codes]);
      }
      // A chunk that is none ends the connection, whether somebody hears of it before or not.
      const noChunk = broken(true, (good) => concat(utf8("zz\r\n"), good), {}, 0);
      for (const way of [long, short]) {
        assert((await noChunk(way)).every((code) => ["request_timeout", "body_malformed"].includes(code)));
      }
    });
    assertEquals(await test.records(), []);
  });
});

Deno.test("a log behind one whose body was late is answered as itself, on both ways", async () => {
  // Long enough for the second one's body on a slow machine.
  const bodyDeadlineMs = 1_500;
  await withService({ bodyDeadlineMs }, async (test) => {
    const next = logsOf(await tokensOf(test, { count: 2 }));
    await withBothWays(test, () => ({ bodyDeadlineMs }), async (long, short) => {
      const late = (isChunked: boolean) => (way: Way) =>
        connected(way, async (connection) => {
          const [hidden, log, good] = [next(), next(), next()];
          const { head, rest } = write({ headers: log.headers, body: hiding(hidden, 2_000) }, isChunked);
          await connection.send(concat(head, rest.subarray(0, 1_000)));
          const first = await connection.answer();
          await connection.send(concat(rest.subarray(1_000), whole(good)));
          return [first, await connection.answer()].map((answer) => answer?.text);
        });
      const [a, b, c, d] = await Promise.all(
        [false, true].flatMap((isChunked) => [long, short].map(late(isChunked))),
      );
      assertEquals([b, c, d], [a, a, a]);
      const [first, second] = present(a);
      assert(first?.startsWith("HTTP/1.1 408 "), first);
      assert(second?.startsWith("HTTP/1.1 200 ") && second.endsWith(ACCEPTED), second);
    });
    assertEquals((await test.records()).length, 4);
  });
});

Deno.test("logs that the throttle refuses on a kept connection are refused one by one, and their bodies never read", async () => {
  await withService({}, async (test) => {
    const next = logsOf(await tokensOf(test));
    const expected = [200, 200, 429, 429, 429, 429];
    const rule = () => ({ admission: new Admission(systemRandom, { burst: 2, requestsPerSecond: 1e-9 }) });
    await withBothWays(test, rule, async (long, short) => {
      const statusesOf = (way: Way) =>
        connected(way, async (connection) => {
          const sent = connection.send(concat(...expected.map(() => whole(next()))));
          const statuses = [];
          for (const _ of expected) statuses.push((await connection.answer())?.status);
          await sent;
          return statuses;
        });
      assertEquals(await statusesOf(long), expected);
      assertEquals(await statusesOf(short), expected);
    });
    assertEquals((await test.records()).length, 4);
  });
});
