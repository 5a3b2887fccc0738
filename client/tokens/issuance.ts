/**
 * Fetching tokens: blind, ask, verify, keep (docs/protocol.md, section 4).
 *
 * @module
 */
import { equalPublic, fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE, encodeBatchRequest } from "../../core/token/batch.ts";
import { challengeDigest } from "../../core/token/challenge.ts";
import { deriveMacKey } from "../../core/token/mac.ts";
import { encodeTokenInput, truncatedKeyId } from "../../core/token/token.ts";
import { encodeVarint } from "../../core/base/varint.ts";
import { isDue, NO_RETRY, retryLater } from "../http/backoff.ts";
import { commit, type Context } from "../base/context.ts";
import { type Directory, type DirectoryKey, issuingKey } from "../http/directory.ts";
import type { CachedDocument } from "../http/document.ts";
import { type Answer, exchange, inTime, refusalCode, retryAfter } from "../http/http.ts";
import { shuffledRange } from "../base/random.ts";
import { PENDING, type PendingRecord, read, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { keepToken, MAX_USES } from "./wallet.ts";

/** Most bytes of an answer: 256 P-384 elements and their proof are far below. */
const MAX_ANSWER_BYTES = 32_768;
/** Failures after which a request whose answer does not verify is given up. */
const MAX_FAILURES = 3;
/** Seconds at the end of an epoch (an eighth of a short one) in which no tokens are asked for. */
const LAST_SECONDS = 3;
/** Longest wait that the service may ask for, in seconds: the longest epoch. */
const MOST_WAIT_SECONDS = 2_592_000;

/** What came of a request: its tokens are kept, it failed for now, or another one may do better. */
type Outcome = "kept" | "failed" | "new_key" | "one_token";

/** How many logs have no token that could sign them. */
export type Lack = (entries: Entries) => number;

/**
 * Asks for the tokens that as many logs need as `lack` finds none for, or again for those asked for before; whether
 * tokens are there now. `force` does not wait for the client's own backoff, only for the service's.
 */
export async function fetchTokens(
  context: Context,
  directory: CachedDocument<Directory>,
  lack: Lack,
  force: boolean,
): Promise<boolean> {
  let outcome: Outcome | undefined;
  for (let attempt = 0; attempt < 3; attempt++) {
    const pending = await prepare(context, directory, lack, outcome);
    if (pending === "kept") return true;
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
  lack: Lack,
  outcome: Outcome | undefined,
): Promise<PendingRecord | "kept" | undefined> {
  const { clock, suite } = context;
  const choose = async (renew: boolean) => {
    const directory = await documents.get(renew);
    const key = directory && issuingKey(directory, suite.tokenType, clock.seconds());
    return key && { directory: directory!, key };
  };
  // Published ahead, a key is only missing when the clock or the directory is old.
  const chosen = outcome !== "new_key" && await choose(false) || await choose(true);
  if (!chosen) return undefined;
  const { keyId, notBefore, issueUntil } = chosen.key;
  // Under way when the epoch ends, a request would be refused: in its last seconds it waits for the next key.
  if (issueUntil - clock.seconds() <= Math.min(LAST_SECONDS, (issueUntil - notBefore) / 8)) return undefined;
  return await commit(context, (entries) => {
    const logs = lack(entries);
    // Another tab's request was answered since this one looked.
    if (logs === 0) return "kept";
    const before = read<PendingRecord>(entries, PENDING);
    // Only the issuing key signs: a request for one before it can no longer be answered. One for a later key is another
    // tab's, in whose epoch it is by now.
    if (before && (before.keyId === keyId || before.notBefore > notBefore)) return before;
    const pending = blindTokens(
      context,
      chosen.directory,
      chosen.key,
      outcome === "one_token" ? 1 : logs,
    );
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
  if (answer.status === 200) {
    const authenticators = verify(context, pending, answer);
    if (authenticators !== undefined) return await keep(context, pending, authenticators);
    context.report("refused", { step: "tokens", code: "not_verified" });
  }
  // A batch that was refused whole at its first send was not granted: a smaller one may fit what is left.
  const isTooLarge = code === "quota_exhausted" && pending.failures === 0 && pending.nonces.length > 1;
  const wait = retryAfter(answer.headers, MOST_WAIT_SECONDS);
  const retry = retryLater(pending, clock.now(), random, wait);
  const isOver = answer.status === 422 || isTooLarge ||
    (answer.status === 200 && retry.failures >= MAX_FAILURES);
  await commit(context, (entries) => {
    if (!isSame(entries, pending)) return;
    if (isOver) entries.delete(PENDING);
    else write(entries, PENDING, { ...pending, ...retry });
  });
  return code === "key_not_issuing" ? "new_key" : isTooLarge ? "one_token" : "failed";
}

/** Signs in and sends; once more with a new session when the service refuses it. */
async function send(context: Context, pending: PendingRecord, renew: boolean): Promise<Answer | undefined> {
  const { suite, url, report } = context;
  let jwt: string;
  try {
    jwt = await inTime(context, () => context.session({ renew }));
  } catch {
    // Why signing in failed is between the app and its users.
    report("refused", { step: "session", code: "session_failed" });
    return undefined;
  }
  // The user may have opted out meanwhile.
  await commit(context, () => {});
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
      ...splitResponse(suite, answer.body, nonces.length),
      inputs: tokenInputs(context, nonces, fromBase64url(pending.challengeDigest), pending.keyId),
      blinds: decodeAll(pending.blinds),
      blindedElements: decodeAll(pending.blindedElements),
      publicKey: fromBase64url(pending.publicKey),
    });
  } catch {
    return undefined;
  }
}

/**
 * The parts of a batch response. One of `count` elements has a single possible length prefix, which is compared instead
 * of parsed.
 */
function splitResponse(
  { elementLength, scalarLength }: Context["suite"],
  body: Uint8Array,
  count: number,
): { evaluatedElements: Uint8Array[]; proof: Uint8Array } {
  const prefix = encodeVarint(count * elementLength);
  const proofAt = prefix.length + count * elementLength;
  if (
    body.length !== proofAt + 2 * scalarLength || !equalPublic(body.subarray(0, prefix.length), prefix)
  ) throw new RangeError();
  return {
    evaluatedElements: Array.from(
      { length: count },
      (_, index) =>
        body.slice(prefix.length + index * elementLength, prefix.length + (index + 1) * elementLength),
    ),
    proof: body.slice(proofAt),
  };
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
