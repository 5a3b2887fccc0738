/**
 * Clients for load: real tokens, real MACs, the least that can be sent otherwise.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { SignJWT } from "jose";
import { fromBase64url, toBase64url, utf8 } from "../../../core/base/bytes.ts";
import { BATCH_REQUEST_TYPE, decodeBatchResponse, encodeBatchRequest } from "../../../core/token/batch.ts";
import { challengeDigest } from "../../../core/token/challenge.ts";
import { deriveMacKey, digestBody, encodeTranscript } from "../../../core/token/mac.ts";
import { encodeTokenInput, truncatedKeyId } from "../../../core/token/token.ts";
import { nobleRistretto255 as suite } from "../../../core/voprf/noble.ts";
import { type BoundNonce, boundNonce } from "./bound_nonce.ts";
import { idOf, SESSION_SECRET } from "../processes/spawned_service.ts";
import { present } from "../base/present.ts";

const APP = "load";
const ISSUER = "telemetry.example";
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** A token that was issued and verified. */
export interface LoadToken extends Omit<BoundNonce, "binding"> {
  readonly keyId: Uint8Array;
  readonly macKey: Uint8Array;
  /** What binds its nonce to its pseudonym: base64url. Undefined: nothing does, as before there were bindings. */
  readonly binding?: string | undefined;
  /** The application; `load` by default. */
  readonly app?: string;
}

/** A log that is bound to a use of a token: its bytes never change. */
export interface SignedLog {
  /** By which it is known among the records: its pseudonym and its mark. */
  readonly id: string;
  readonly token: LoadToken;
  readonly use: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What a log was answered; status 0: nothing came back. */
export interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly replayed: boolean;
}

/** The directory's key that issues now. */
async function issuingKey(
  url: string,
  nowSeconds: number,
): Promise<{ keyId: Uint8Array; publicKey: Uint8Array }> {
  const directory = await (await fetch(`${url}/v1/apps/${APP}/keys`)).json();
  const key = directory["token-keys"].find((key: Record<string, unknown>) =>
    key.region === directory.region && key["not-before"] as number <= nowSeconds &&
    nowSeconds < (key["issue-until"] as number)
  );
  return { keyId: fromBase64url(key["token-key-id"]), publicKey: fromBase64url(key["token-key"]) };
}

/** A session of a client with that name, as the application server of the load would sign it. */
export function signIn(client: string, nowSeconds: number): Promise<string> {
  return new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setIssuer("https://login.example")
    .setAudience(APP).setSubject(client).setIssuedAt(nowSeconds).setExpirationTime(nowSeconds + 600)
    .sign(utf8(SESSION_SECRET));
}

/** A batch request of a client, ready to be sent, and what finalizing it takes. */
export async function prepareBatch(
  url: string,
  client: string,
  count: number,
  nowSeconds = Math.floor(Date.now() / 1000),
) {
  const { keyId, publicKey } = await issuingKey(url, nowSeconds);
  const digest = challengeDigest({ tokenType: suite.tokenType, issuerName: ISSUER, app: APP });
  const bound = Array.from({ length: count }, () => boundNonce());
  const inputs = bound.map(({ nonce }) =>
    encodeTokenInput({ tokenType: suite.tokenType, nonce, challengeDigest: digest, tokenKeyId: keyId })
  );
  const { blinds, blindedElements } = suite.blind(inputs, random);
  return {
    keyId,
    publicKey,
    bound,
    inputs,
    blinds,
    blindedElements,
    headers: {
      "content-type": BATCH_REQUEST_TYPE,
      authorization: `Bearer ${await signIn(client, nowSeconds)}`,
    },
    body: encodeBatchRequest(suite, { truncatedKeyId: truncatedKeyId(keyId), blindedElements }),
  };
}

/** Fetches tokens, as a client of that name, in batches of 256. `nowSeconds` is the service's clock. */
export async function fetchTokens(
  url: string,
  client: string,
  count: number,
  nowSeconds = Math.floor(Date.now() / 1000),
): Promise<LoadToken[]> {
  const tokens: LoadToken[] = [];
  while (tokens.length < count) {
    const batch = await prepareBatch(url, client, Math.min(256, count - tokens.length), nowSeconds);
    const { headers, body } = batch;
    const response = await fetch(`${url}/v1/apps/${APP}/tokens`, { method: "POST", headers, body });
    if (!response.ok) throw new Error(`Tokens were refused: ${response.status} ${await response.text()}`);
    const answer = decodeBatchResponse(suite, await response.bytes(), batch.bound.length);
    const authenticators = suite.finalize({ ...batch, ...answer });
    for (const [index, each] of batch.bound.entries()) {
      tokens.push({ keyId: batch.keyId, ...each, macKey: deriveMacKey(present(authenticators[index])) });
    }
  }
  return tokens;
}

/** How many marked logs each token has signed. */
const marked = new WeakMap<LoadToken, number>();

/** As {@linkcode signLog}, with a mark that no other log of this token has, so that its record can be told from others. */
export function signMarkedLog(token: LoadToken, use: number, padding = 0): SignedLog {
  const mark = marked.get(token) ?? 0;
  marked.set(token, mark + 1);
  return signLog(token, use, { padding, fields: { mark } });
}

/** Binds a new log to a use of a token; `padding` bytes make it long, and `fields` are its event's besides the usual. */
export function signLog(
  token: LoadToken,
  use: number,
  { padding = 0, fields = {} }: { padding?: number; fields?: Record<string, unknown> } = {},
): SignedLog {
  const { pseudonym, binding } = token;
  const body = utf8(JSON.stringify({
    salt: toBase64url(random(16)),
    pseudonym,
    binding,
    events: [{ name: "ping", fields: { ok: true, latency_ms: 1, ...fields } }],
    ...(padding === 0 ? {} : { pad: "x".repeat(padding) }),
  }));
  const transcript = encodeTranscript({
    app: token.app ?? APP,
    contentEncoding: "",
    keyId: token.keyId,
    nonce: token.nonce,
    use,
    bodyDigest: digestBody(body),
  });
  const mac = new Uint8Array(createHmac("sha256", token.macKey).update(transcript).digest());
  const authorization =
    `DIT key=${toBase64url(token.keyId)}, nonce=${toBase64url(token.nonce)}, use=${use}, ` +
    `mac=${toBase64url(mac)}`;
  return {
    id: idOf(pseudonym, fields),
    token,
    use,
    headers: { authorization, "content-type": "application/json" },
    body,
  };
}

/** Sends a log once. */
export async function sendLog(
  url: string,
  { headers, body }: SignedLog,
  timeoutMs = 30_000,
): Promise<Answer> {
  try {
    const response = await fetch(`${url}/v1/apps/${APP}/logs`, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const replayed = response.headers.get("dit-replayed") === "?1";
    const answer = await response.json();
    return { status: response.status, replayed, ...(response.ok ? {} : { code: answer.code }) };
  } catch {
    return { status: 0, replayed: false };
  }
}

/** Whether the same bytes shall be sent again (docs/protocol.md, section 6). */
export function isUnknown({ status }: Answer): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** Sends a log, the same bytes over and over, until it is known what became of it. */
export async function sendUntilKnown(
  url: () => string | Promise<string>,
  log: SignedLog,
  heard: (answer: Answer) => void = () => {},
  giveUpAt = performance.now() + 120_000,
): Promise<Answer> {
  for (let attempt = 0;; attempt++) {
    const answer = await sendLog(await url(), log);
    heard(answer);
    if (!isUnknown(answer)) return answer;
    if (performance.now() > giveUpAt) {
      throw new Error(`A log got no answer for two minutes: ${answer.status}`);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(10 * 2 ** attempt, 160)));
  }
}
