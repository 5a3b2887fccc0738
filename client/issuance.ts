/**
 * Fetching tokens: blind, ask, verify, keep (docs/protocol.md, section 4).
 *
 * @module
 */
import { fromBase64url, toBase64url } from "../core/bytes.ts";
import {
  BATCH_REQUEST_TYPE,
  BATCH_RESPONSE_TYPE,
  decodeBatchResponse,
  encodeBatchRequest,
} from "../core/token/batch.ts";
import { challengeDigest } from "../core/token/challenge.ts";
import { deriveMacKey } from "../core/token/mac.ts";
import { encodeTokenInput, truncatedKeyId } from "../core/token/token.ts";
import { isDue, NO_RETRY, retryLater } from "./backoff.ts";
import { commit, type Context } from "./context.ts";
import { type Directory, type DirectoryKey, issuingKey } from "./directory.ts";
import type { CachedDocument } from "./document.ts";
import { type Answer, exchange, refusalCode, retryAfter } from "./http.ts";
import { shuffledRange } from "./random.ts";
import { BLOCKED, type BlockRecord, PENDING, type PendingRecord, read, write } from "./records.ts";
import type { Entries } from "./storage.ts";
import { keepToken, MAX_USES } from "./wallet.ts";

/** Most bytes of an answer: 256 P-384 elements and their proof are far below. */
const MAX_ANSWER_BYTES = 32_768;
/** Answers to one request that may fail to verify before it is given up. */
const MAX_UNVERIFIED = 3;
/** Longest wait that the service may ask for, in seconds: the longest epoch. */
const MOST_WAIT_SECONDS = 2_592_000;

/** What came of a request: its tokens are kept, it failed for now, or another one may do better. */
type Outcome = "kept" | "failed" | "new_key" | "one_token";

/**
 * Asks for the tokens that `logs` logs need, or again for those asked for before; whether any was kept. `force` does
 * not wait for the client's own backoff, only for the service's.
 */
export async function fetchTokens(
  context: Context,
  directory: CachedDocument<Directory>,
  logs: number,
  force: boolean,
): Promise<boolean> {
  let outcome: Outcome | undefined;
  for (let attempt = 0; attempt < 3; attempt++) {
    const pending = await prepare(
      context,
      directory,
      outcome === "one_token" ? 1 : logs,
      outcome === "new_key",
    );
    if (pending === undefined || !isDue(pending, context.clock.now(), force)) return false;
    outcome = await ask(context, pending);
    if (outcome === "kept" || outcome === "failed") break;
  }
  return outcome === "kept";
}

/** The request to send: the one that was sent before and may still be answered, or a new one, stored. */
async function prepare(
  context: Context,
  documents: CachedDocument<Directory>,
  logs: number,
  renewDirectory: boolean,
): Promise<PendingRecord | undefined> {
  const { clock, suite } = context;
  const choose = async (renew: boolean) => {
    const directory = await documents.get(renew);
    const key = directory && issuingKey(directory, suite.tokenType, clock.seconds());
    return key && { directory: directory!, key };
  };
  // Published ahead, a key is only missing when the clock or the directory is old.
  const chosen = await choose(renewDirectory) ?? (renewDirectory ? undefined : await choose(true));
  if (chosen === undefined) return undefined;
  const { keyId } = chosen.key;
  return await commit(context, (entries) => {
    const before = read<PendingRecord>(entries, PENDING);
    const blocked = read<BlockRecord>(entries, BLOCKED);
    // Only the issuing key signs: a request for another one can no longer be answered.
    if (before?.keyId === keyId) return before;
    if (blocked?.keyId === keyId && clock.now() < blocked.until) return undefined;
    const pending = blindTokens(context, chosen.directory, chosen.key, logs);
    write(entries, PENDING, pending);
    return pending;
  });
}

function blindTokens(context: Context, directory: Directory, key: DirectoryKey, logs: number): PendingRecord {
  const { suite, random, app } = context;
  const { keyId, publicKey, notBefore, redeemUntil } = key;
  const uses = Math.min(directory.usesPerToken, MAX_USES);
  const count = Math.min(Math.ceil(logs / uses), directory.maxBatch, directory.tokensPerClient);
  const digest = challengeDigest({ tokenType: suite.tokenType, issuerName: directory.issuer, app });
  const nonces = Array.from({ length: count }, () => random(32));
  const { blinds, blindedElements } = suite.blind(tokenInputs(context, nonces, digest, keyId), random);
  return {
    keyId,
    publicKey,
    notBefore,
    redeemUntil,
    uses,
    nonces: nonces.map(toBase64url),
    blinds: blinds.map(toBase64url),
    blindedElements: blindedElements.map(toBase64url),
    challengeDigest: toBase64url(digest),
    unverified: 0,
    ...NO_RETRY,
  };
}

function tokenInputs(
  { suite }: Context,
  nonces: Uint8Array[],
  digest: Uint8Array,
  keyId: string,
): Uint8Array[] {
  const tokenKeyId = fromBase64url(keyId);
  return nonces.map((nonce) =>
    encodeTokenInput({ tokenType: suite.tokenType, nonce, challengeDigest: digest, tokenKeyId })
  );
}

async function ask(context: Context, pending: PendingRecord): Promise<Outcome> {
  const { clock, random } = context;
  const answer = await send(context, pending, false);
  if (answer === undefined) return "failed";
  const code = refusalCode(answer);
  let change: Partial<PendingRecord> = {};
  if (answer.status === 200) {
    const authenticators = verify(context, pending, answer);
    if (authenticators !== undefined) return await keep(context, pending, authenticators);
    context.report("refused", { step: "tokens", code: "not_verified" });
    change = { unverified: pending.unverified + 1 };
  }
  // A batch that was refused whole at its first send was not granted: a smaller one may fit what is left.
  const isTooLarge = code === "quota_exhausted" && pending.failures === 0 && pending.nonces.length > 1;
  const isOver = answer.status === 422 || isTooLarge || change.unverified === MAX_UNVERIFIED;
  const now = clock.now();
  const retry = retryLater(pending, now, random, retryAfter(answer.headers, MOST_WAIT_SECONDS));
  await commit(context, (entries) => {
    if (!isSame(entries, pending)) return;
    if (isOver) return entries.delete(PENDING);
    write(entries, PENDING, { ...pending, ...change, ...retry });
    if (code === "quota_exhausted") write(entries, BLOCKED, { keyId: pending.keyId, until: retry.retryAt });
  });
  return code === "key_not_issuing" ? "new_key" : isTooLarge ? "one_token" : "failed";
}

/** Signs in and sends; once more with a new session when the service refuses it. */
async function send(context: Context, pending: PendingRecord, renew: boolean): Promise<Answer | undefined> {
  const { suite, url, report } = context;
  let jwt: string;
  try {
    jwt = await context.session({ renew });
  } catch {
    // Why signing in failed is between the app and its users.
    report("refused", { step: "session", code: "session_failed" });
    return undefined;
  }
  const answer = await exchange(context, "tokens", `${url}/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${jwt}`, "content-type": BATCH_REQUEST_TYPE },
    body: encodeBatchRequest(suite, {
      truncatedKeyId: truncatedKeyId(fromBase64url(pending.keyId)),
      blindedElements: decodeAll(pending.blindedElements),
    }),
  }, MAX_ANSWER_BYTES);
  return answer.status === 401 && !renew ? await send(context, pending, true) : answer;
}

function decodeAll(texts: readonly string[]): Uint8Array<ArrayBuffer>[] {
  return texts.map((text) => fromBase64url(text));
}

/** The authenticators of an answer that verifies; undefined when anything is wrong with it. */
function verify(context: Context, pending: PendingRecord, answer: Answer): Uint8Array[] | undefined {
  const { suite } = context;
  if (answer.headers.get("content-type") !== BATCH_RESPONSE_TYPE) return undefined;
  try {
    const nonces = decodeAll(pending.nonces);
    return suite.finalize({
      ...decodeBatchResponse(suite, answer.body, nonces.length),
      inputs: tokenInputs(context, nonces, fromBase64url(pending.challengeDigest), pending.keyId),
      blinds: decodeAll(pending.blinds),
      blindedElements: decodeAll(pending.blindedElements),
      publicKey: fromBase64url(pending.publicKey),
    });
  } catch {
    return undefined;
  }
}

async function keep(
  context: Context,
  pending: PendingRecord,
  authenticators: Uint8Array[],
): Promise<"kept"> {
  const { keyId, notBefore, redeemUntil, uses, nonces } = pending;
  const tokens = authenticators.map((authenticator, index) => ({
    keyId,
    notBefore,
    redeemUntil,
    nonce: nonces[index]!,
    macKey: toBase64url(deriveMacKey(authenticator)),
    uses: shuffledRange(uses, context.random),
    taken: 0,
  }));
  await commit(context, (entries, report) => {
    // Kept once only: another tab may have had the same answer, and spent of it.
    if (!isSame(entries, pending)) return;
    entries.delete(PENDING);
    for (const token of tokens) keepToken(entries, token);
    report("issued", { tokens: tokens.length });
  });
  return "kept";
}

/** Whether no other request took a request's place. */
function isSame(entries: Entries, pending: PendingRecord): boolean {
  return read<PendingRecord>(entries, PENDING)?.nonces[0] === pending.nonces[0];
}
