/**
 * An honest client of the protocol in its smallest form, for tests: every message can be changed before it is sent, so
 * that one thing at a time is wrong with it.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { assertEquals } from "@std/assert";
import { fromBase64url, toBase64url, utf8 } from "../../../core/base/bytes.ts";
import {
  BATCH_REQUEST_TYPE,
  BATCH_RESPONSE_TYPE,
  decodeBatchResponse,
  encodeBatchRequest,
} from "../../../core/token/batch.ts";
import { challengeDigest } from "../../../core/token/challenge.ts";
import { encodeLogBatch, LOG_BATCH_TYPE } from "../../../core/token/log_batch.ts";
import { formatCredential, parseCredential } from "../../../core/token/credential.ts";
import {
  computeMac,
  type ContentEncoding,
  deriveMacKey,
  digestBody,
  encodeTranscript,
} from "../../../core/token/mac.ts";
import { encodeTokenInput, truncatedKeyId } from "../../../core/token/token.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { nobleP384 } from "../../../core/voprf/noble_p384.ts";
import type { Suite } from "../../../core/voprf/suite.ts";
import { systemRandom, type TestService } from "../service/service.ts";
import { present } from "../base/present.ts";
import { type BoundNonce, boundNonce } from "./bound_nonce.ts";

/** Reaches a service: in memory or over a socket. */
export type Send = (path: string, init?: RequestInit) => Promise<Response>;

/** A key as the directory publishes it, decoded. */
export interface PublicKey {
  readonly suite: Suite;
  readonly app: string;
  readonly issuer: string;
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  readonly generation: number;
  readonly notBefore: number;
  readonly issueUntil: number;
  readonly redeemUntil: number;
}

/** A token whose proof was verified. */
export interface Token extends BoundNonce {
  readonly app: string;
  readonly keyId: Uint8Array;
  readonly macKey: Uint8Array;
}

/** A batch that was blinded and not sent yet. */
export interface PendingBatch {
  readonly key: PublicKey;
  readonly request: Uint8Array<ArrayBuffer>;
  /** Verifies an answer, against another public key if one is given, and unblinds it. */
  finish(response: Uint8Array, publicKey?: Uint8Array): Token[];
}

/** All keys that an application publishes. */
export async function fetchKeys(send: Send, app = "notes"): Promise<PublicKey[]> {
  const response = await send(`/v1/apps/${app}/keys`);
  const directory = await response.json();
  assertEquals(response.status, 200, JSON.stringify(directory));
  return directory["token-keys"].map((key: Record<string, never>) => ({
    suite: key["token-type"] === nobleP384.tokenType ? nobleP384 : nobleRistretto255,
    app: directory.app,
    issuer: directory.issuer,
    publicKey: fromBase64url(present(key["token-key"])),
    keyId: fromBase64url(present(key["token-key-id"]), 32),
    epoch: key.epoch,
    generation: key.generation,
    notBefore: key["not-before"],
    issueUntil: key["issue-until"],
    redeemUntil: key["redeem-until"],
  }));
}

/** The key that issues at a moment: the latest generation of the epoch. */
export async function fetchIssuingKey(send: Send, nowSeconds: number, app = "notes"): Promise<PublicKey> {
  const keys = await fetchKeys(send, app);
  return present(keys.findLast((key) => key.notBefore <= nowSeconds && nowSeconds < key.issueUntil));
}

/** Blinds the nonces of `count` tokens for a key, each for a pseudonym of its own unless one is given. */
export function blindBatch(key: PublicKey, count: number, pseudonym?: string): PendingBatch {
  const { suite, app, keyId } = key;
  const digest = challengeDigest({ tokenType: suite.tokenType, issuerName: key.issuer, app });
  const bound = Array.from({ length: count }, () => boundNonce(pseudonym));
  const inputs = bound.map(({ nonce }) =>
    encodeTokenInput({ tokenType: suite.tokenType, nonce, challengeDigest: digest, tokenKeyId: keyId })
  );
  const { blinds, blindedElements } = suite.blind(inputs, systemRandom);
  return {
    key,
    request: encodeBatchRequest(suite, { truncatedKeyId: truncatedKeyId(keyId), blindedElements }),
    finish(response, publicKey = key.publicKey) {
      const { evaluatedElements, proof } = decodeBatchResponse(suite, response, count);
      const authenticators = suite.finalize({
        inputs,
        blinds,
        blindedElements,
        evaluatedElements,
        publicKey,
        proof,
      });
      return bound.map((each, index) => ({
        app,
        keyId,
        ...each,
        macKey: deriveMacKey(present(authenticators[index])),
      }));
    },
  };
}

/** The request that sends a batch. */
export function batchRequest(jwt: string | undefined, request: Uint8Array<ArrayBuffer>): RequestInit {
  return {
    method: "POST",
    headers: {
      "content-type": BATCH_REQUEST_TYPE,
      ...(jwt === undefined ? {} : { authorization: `Bearer ${jwt}` }),
    },
    body: request,
  };
}

/** Fetches tokens of the key that issues now. */
export async function fetchTokens(
  send: Send,
  session: { readonly jwt: string; readonly nowSeconds: number; readonly app?: string },
  count = 1,
): Promise<Token[]> {
  const { jwt, nowSeconds, app = "notes" } = session;
  const batch = blindBatch(await fetchIssuingKey(send, nowSeconds, app), count);
  const response = await send(`/v1/apps/${app}/tokens`, batchRequest(jwt, batch.request));
  const bytes = new Uint8Array(await response.arrayBuffer());
  assertEquals(response.status, 200, new TextDecoder().decode(bytes));
  assertEquals(response.headers.get("content-type"), BATCH_RESPONSE_TYPE);
  return batch.finish(bytes);
}

/** Signs somebody in and fetches tokens: alice at `notes` unless it is said otherwise. */
export async function tokensOf(
  test: Pick<TestService, "send" | "signIn" | "clock">,
  who: { readonly app?: string; readonly subject?: string; readonly count?: number } = {},
): Promise<Token[]> {
  const { app = "notes", subject = "alice", count = 1 } = who;
  const session = { jwt: await test.signIn(subject, app), nowSeconds: test.clock.seconds, app };
  return await fetchTokens(test.send, session, count);
}

/** One of {@linkcode tokensOf}. */
export async function oneToken(test: Parameters<typeof tokensOf>[0], app = "notes"): Promise<Token> {
  return present((await tokensOf(test, { app }))[0]);
}

/**
 * A body with a fresh salt, for a log that this token will sign; members replace the usual ones, `undefined` leaves one
 * out.
 */
export function logBody(
  { pseudonym, binding }: Omit<BoundNonce, "nonce">,
  members: Record<string, unknown> = {},
): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify({
    salt: toBase64url(systemRandom(16)),
    pseudonym,
    binding,
    events: [{ name: "note_saved", fields: { ok: true } }],
    ...members,
  }));
}

/** What may be different about a log than an honest client makes it. */
export interface LogChanges {
  /** The use; 0 by default. */
  readonly use?: number;
  /** The body as it is before compression. */
  readonly body?: Uint8Array<ArrayBuffer>;
  /** `gzip` packs the body. */
  readonly encoding?: ContentEncoding;
  /** The bytes that go out under `gzip`, instead of the packed body. */
  readonly packed?: Uint8Array<ArrayBuffer>;
  /** The application that the transcript names, if it is not the token's own. */
  readonly transcriptApp?: string;
  /** The key id that credential and transcript name, if it is not the token's own. */
  readonly keyId?: Uint8Array;
}

/** The final request of a log: send it as often as you like, it stays the same bytes. */
export function signLog(token: Token, changes: LogChanges = {}): RequestInit & {
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
} {
  const { use = 0, packed, keyId = token.keyId } = changes;
  const encoding = packed === undefined ? changes.encoding ?? "" : "gzip";
  const plain = changes.body ?? logBody(token);
  const body = packed ?? (encoding === "gzip" ? Uint8Array.from(gzipSync(plain)) : plain);
  const transcript = encodeTranscript({
    app: changes.transcriptApp ?? token.app,
    contentEncoding: encoding,
    keyId,
    nonce: token.nonce,
    use,
    bodyDigest: digestBody(body),
  });
  const credential = { keyId, nonce: token.nonce, use, mac: computeMac(token.macKey, transcript) };
  return {
    method: "POST",
    headers: {
      authorization: formatCredential(credential),
      "content-type": "application/json",
      ...(encoding === "" ? {} : { "content-encoding": encoding }),
    },
    body,
  };
}

/** One request for the same logs, in their order. */
export function batchLogs(logs: readonly ReturnType<typeof signLog>[]): RequestInit & {
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
} {
  const body = encodeLogBatch(logs.map(({ headers, body }) => ({
    credential: parseCredential(present(headers.authorization)),
    contentEncoding: headers["content-encoding"] === "gzip" ? "gzip" : "",
    body,
  })));
  return {
    method: "POST",
    headers: { "content-type": LOG_BATCH_TYPE, "content-length": String(body.length) },
    body,
  };
}

/** Path of an application's logs. */
export function logsPath(app = "notes"): string {
  return `/v1/apps/${app}/logs`;
}

/** Path of an application's tokens. */
export function tokensPath(app = "notes"): string {
  return `/v1/apps/${app}/tokens`;
}
