/**
 * Final requests: what is signed once, stored, and sent as it is from then on (docs/protocol.md, section 5).
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { formatEncoded } from "../../core/token/credential.ts";
import { computeMac, digestBody, encodeTranscript } from "../../core/token/mac.ts";
import { NO_RETRY } from "../http/backoff.ts";
import type { RequestRecord } from "../storage/records.ts";
import type { TokenUse } from "../tokens/wallet.ts";
import type { Body } from "./body.ts";

/** Largest body of a request that outlives its page: all of a page's together may have 64 KiB. */
const MAX_KEEPALIVE_BYTES = 49_500;

/** A request in the queue. */
export interface QueuedRequest {
  readonly key: string;
  readonly record: RequestRecord;
}

/** A body and the use of a token that it is bound to. */
export interface Unsigned extends Pick<RequestRecord, "events" | "pseudonym" | "moves"> {
  readonly app: string;
  readonly body: Body;
  readonly tokenUse: TokenUse;
}

/** Signs a body with one use of a token. Its first send follows at once, so it is in flight. */
export function signRequest({ app, body, tokenUse, events, pseudonym, moves }: Unsigned): RequestRecord {
  const { token, use } = tokenUse;
  const { keyId, nonce, binding, redeemUntil } = token;
  const { bytes, contentEncoding } = body;
  const transcript = encodeTranscript({
    app,
    contentEncoding,
    keyId: fromBase64url(keyId),
    nonce: fromBase64url(nonce),
    use,
    bodyDigest: digestBody(bytes),
  });
  return {
    keyId,
    nonce,
    use,
    mac: toBase64url(computeMac(fromBase64url(token.macKey), transcript)),
    contentEncoding,
    body: toBase64url(bytes),
    pseudonym,
    binding,
    events,
    redeemUntil,
    inFlight: true,
    uncertain: false,
    moves,
    ...NO_RETRY,
  };
}

/** The HTTP request: nothing but what the protocol names. `isHidden`: the page may end before the answer. */
export function logRequest(record: RequestRecord, isHidden: boolean): RequestInit {
  const headers: Record<string, string> = {
    authorization: formatEncoded(record),
    "content-type": "application/json",
  };
  if (record.contentEncoding !== "") headers["content-encoding"] = record.contentEncoding;
  return post(headers, fromBase64url(record.body), isHidden);
}

/** A request that posts a body. */
export function post(
  headers: Record<string, string>,
  body: Uint8Array<ArrayBuffer>,
  isHidden: boolean,
): RequestInit {
  return { method: "POST", headers, body, keepalive: isHidden && body.length <= MAX_KEEPALIVE_BYTES };
}
