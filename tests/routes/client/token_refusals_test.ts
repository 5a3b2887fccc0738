/** Every row of section 6 of docs/protocol.md that a batch can meet: its status, its code, and that nothing was written. */
import { assertEquals } from "@std/assert";
import { concat, u16 } from "../../../core/base/bytes.ts";
import type { RefusalCode } from "../../../core/base/errors.ts";
import { encodeBatchRequest } from "../../../core/token/batch.ts";
import { encodeVarint } from "../../../core/base/varint.ts";
import { assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  fetchKeys,
  type PublicKey,
  tokensPath,
} from "../../support/client/protocol_client.ts";
import { BOTH_SUITES, configOf, type TestService, withService } from "../../support/service/service.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Make = (key: PublicKey, all: readonly PublicKey[]) => Bytes;

const truncated = (key: PublicKey) => key.keyId.at(-1)!;

/** A batch for a key with the given elements. */
function batchOf(key: PublicKey, ...blindedElements: Uint8Array[]): Bytes {
  return encodeBatchRequest(key.suite, { truncatedKeyId: truncated(key), blindedElements });
}

/** One honest element. */
function element(key: PublicKey): Uint8Array {
  return blindBatch(key, 1).request.slice(-key.suite.elementLength);
}

/** The header, a length as it is given, and one honest element. */
function withLength(key: PublicKey, length: Uint8Array): Bytes {
  return concat(u16(key.suite.tokenType), Uint8Array.of(truncated(key)), length, element(key));
}

/** An element that no group element encodes to: the field's prime itself, or an x of no point of P-384. */
function offCurve(key: PublicKey): Uint8Array {
  if (key.suite.elementLength === 32) return Uint8Array.fromHex("ed" + "ff".repeat(30) + "7f");
  return Uint8Array.fromHex("02" + "00".repeat(47) + "01");
}

/** A second encoding of what an honest element says, which only a lax decoder takes. */
function nonCanonical(key: PublicKey): Uint8Array {
  const bytes = element(key);
  // ristretto255 (RFC 9496, section 4.3.1): the sign bit above the field is never set. P-384: no hybrid form.
  if (bytes.length === 32) bytes[31]! |= 0x80;
  else bytes[0]! += 4;
  return bytes;
}

const invalid: [what: string, make: Make][] = [
  ["no bytes", () => new Uint8Array()],
  ["half a header", () => Uint8Array.of(0, 5)],
  ["only a header", (key) => concat(u16(key.suite.tokenType), Uint8Array.of(truncated(key)))],
  ["no element", (key) => concat(u16(key.suite.tokenType), Uint8Array.of(truncated(key), 0))],
  ["33 elements", (key) => blindBatch(key, 33).request],
  ["an element too short by a byte", (key) => blindBatch(key, 2).request.slice(0, -1)],
  ["a byte behind the last element", (key) => concat(blindBatch(key, 1).request, Uint8Array.of(0))],
  [
    "a length that is no multiple of an element's",
    (key) => withLength(key, encodeVarint(key.suite.elementLength - 1)),
  ],
  [
    "a length in two bytes that fits in one",
    (key) => withLength(key, Uint8Array.of(0x40, key.suite.elementLength)),
  ],
  ["a length in eight bytes", (key) => withLength(key, Uint8Array.of(0xc0, 0, 0, 0, 0, 0, 0, 32))],
  ["the identity", (key) => batchOf(key, new Uint8Array(key.suite.elementLength))],
  [
    "the identity behind an honest element",
    (key) => batchOf(key, element(key), new Uint8Array(key.suite.elementLength)),
  ],
  ["an element outside of the group", (key) => batchOf(key, offCurve(key))],
  ["an element in another encoding", (key) => batchOf(key, element(key), nonCanonical(key))],
  ["an element of ones", (key) => batchOf(key, new Uint8Array(key.suite.elementLength).fill(0xff))],
];

const notIssuing: [what: string, make: Make][] = [
  ["a key of a type that nobody knows", (key) => concat(u16(0x0002), blindBatch(key, 1).request.slice(2))],
  [
    "a key of the other suite",
    (key) => concat(u16(key.suite.tokenType ^ 0x0004), blindBatch(key, 1).request.slice(2)),
  ],
  [
    "the key of the next epoch",
    (key, all) => blindBatch(all.find(({ notBefore }) => notBefore === key.issueUntil)!, 1).request,
  ],
  ["a key that nobody made", (key) => {
    const { request } = blindBatch(key, 1);
    request[2]! ^= 0x01;
    return request;
  }],
];

async function assertBatchRefused(
  test: TestService,
  app: string,
  make: Make,
  status: number,
  code: RefusalCode,
): Promise<void> {
  const key = await fetchIssuingKey(test.send, test.clock.seconds, app);
  const bytes = make(key, await fetchKeys(test.send, app));
  const jwt = await test.signIn("alice", app);
  const problem = await assertRefusedUnwritten(
    test,
    [tokensPath(app), batchRequest(jwt, bytes)],
    status,
    code,
  );
  for (const secret of [jwt.split(".")[2]!, "alice", bytes.slice(-16).toHex()]) {
    assertEquals(
      secret !== "" && JSON.stringify(problem).includes(secret),
      false,
      `the answer repeats ${secret}`,
    );
  }
  // The quota is still whole.
  const whole = await test.send(tokensPath(app), batchRequest(jwt, blindBatch(key, 2).request));
  assertEquals(whole.status, 200);
}

for (const app of ["notes", "vault"]) {
  const suite = BOTH_SUITES.applications[app]!.suite ?? "ristretto255-SHA512";
  const config = configOf({ [app]: { suite, tokensPerClient: 2 } });
  for (const [what, make] of invalid) {
    Deno.test(`POST tokens of ${app} answers 422 batch_invalid to ${what}`, () =>
      withService(
        { config },
        (test) => assertBatchRefused(test, app, make, 422, "batch_invalid"),
      ));
  }
  for (const [what, make] of notIssuing) {
    Deno.test(`POST tokens of ${app} answers 422 key_not_issuing to a batch for ${what}`, () =>
      withService(
        { config },
        (test) => assertBatchRefused(test, app, make, 422, "key_not_issuing"),
      ));
  }
}

Deno.test("POST tokens answers 422 key_not_issuing to a batch for the key of another application", async () => {
  await withService({ config: BOTH_SUITES }, async (test) => {
    const key = await fetchIssuingKey(test.send, test.clock.seconds);
    // One byte names a key; the keys of one application differ in it, so at most one of the other's has this one's.
    const others = await fetchKeys(test.send, "vault");
    const other = others.find((candidate) => truncated(candidate) !== truncated(key))!;
    const bytes = encodeBatchRequest(key.suite, {
      truncatedKeyId: truncated(other),
      blindedElements: [element(key)],
    });
    const jwt = await test.signIn("alice");
    await assertRefusedUnwritten(test, [tokensPath(), batchRequest(jwt, bytes)], 422, "key_not_issuing");
  });
});

Deno.test("POST tokens answers 422 key_not_issuing to a batch for the key of the previous epoch", async () => {
  await withService({}, async (test) => {
    const old = await fetchIssuingKey(test.send, test.clock.seconds);
    test.clock.seconds = old.issueUntil;
    await test.maintain();
    const request = batchRequest(await test.signIn("alice"), blindBatch(old, 1).request);
    await assertRefusedUnwritten(test, [tokensPath(), request], 422, "key_not_issuing");
  });
});

type Row = [
  status: number,
  code: RefusalCode,
  what: string,
  change: (request: RequestInit & { headers: Record<string, string> }) => RequestInit & { path?: string },
];

function withType(type: string | undefined): Row[3] {
  return ({ headers, ...request }) => {
    const { "content-type": _type, ...rest } = headers;
    return { ...request, headers: type === undefined ? rest : { ...rest, "content-type": type } };
  };
}

const rows: Row[] = [
  [415, "media_type", "no content type", withType(undefined)],
  [415, "media_type", "JSON", withType("application/json")],
  [
    415,
    "media_type",
    "a content type with a parameter",
    withType(
      "application/private-token-amortized-batch-request; v=1",
    ),
  ],
  [415, "media_type", "the type of another batch", withType("application/private-token-request")],
  [415, "media_type", "a content encoding", (request) => {
    request.headers["content-encoding"] = "gzip";
    return request;
  }],
  [400, "query_refused", "a query string", (request) => ({ ...request, path: `${tokensPath()}?a=1` })],
  [404, "app_unknown", "an unknown application", (request) => ({ ...request, path: tokensPath("nobody") })],
  [413, "body_too_large", "a body over the longest batch", (request) => ({
    ...request,
    body: new Uint8Array(7 + 49 * 33 + 1),
  })],
  [413, "body_too_large", "a length that is only announced", (request) => {
    request.headers["content-length"] = "100000";
    return request;
  }],
  [408, "request_timeout", "a body that does not arrive", (request) => ({
    ...request,
    body: new ReadableStream({ start: (controller) => controller.enqueue(Uint8Array.of(0)) }),
    duplex: "half",
  } as RequestInit)],
  [408, "request_timeout", "a body that breaks off", (request) => ({
    ...request,
    body: new ReadableStream({ start: (controller) => controller.error(new Error("reset")) }),
    duplex: "half",
  } as RequestInit)],
  [431, "headers_too_large", "101 headers", (request) => {
    for (let index = 0; index < 101; index++) request.headers[`x-${index}`] = "1";
    return request;
  }],
];

for (const [status, code, what, change] of rows) {
  Deno.test(`POST tokens answers ${status} ${code} to ${what}`, async () => {
    await withService(status === 408 ? { bodyDeadlineMs: 500 } : {}, async (test) => {
      const key = await fetchIssuingKey(test.send, test.clock.seconds);
      const request = batchRequest(await test.signIn("alice"), blindBatch(key, 1).request);
      const headers = { ...request.headers as Record<string, string> };
      const { path = tokensPath(), ...init } = change({ ...request, headers });
      await assertRefusedUnwritten(test, [path, init], status, code);
      assertEquals((await test.send(tokensPath(), request)).status, 200);
    });
  });
}
