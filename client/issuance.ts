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
import { type Directory, type DirectoryKey, issuingKey } from "./directory.ts";
import type { DirectoryCache } from "./directory_cache.ts";
import { type Answer, exchange, problemCode, retryAfter } from "./http.ts";
import { shuffledRange } from "./random.ts";
import {
  type BlockRecord,
  PENDING,
  type PendingRecord,
  readRecord,
  TOKENS_BLOCKED,
  writeRecord,
} from "./records.ts";
import type { Entries } from "./storage.ts";
import type { Surroundings } from "./surroundings.ts";
import { keepToken, MAX_USES } from "./wallet.ts";

/** Most bytes of an answer: 256 P-384 elements and their proof are far below. */
const MAX_ANSWER_BYTES = 32 * 1024;
/** Answers to one request that may fail to verify before it is given up. */
const MAX_UNVERIFIED = 3;
/** Longest wait that the service may ask for, in milliseconds. */
const MOST_WAIT = 30 * 86_400_000;

/** What came of a request: its tokens are kept, it failed for now, or another one may do better. */
type AskOutcome = "kept" | "failed" | "new_key" | "one_token";

/** Fetches the tokens of one client. */
export class Issuance {
  /** Uses the directory for the keys, and the surroundings for everything else. */
  constructor(
    private readonly surroundings: Surroundings,
    private readonly directory: DirectoryCache,
  ) {}

  /**
   * Asks for the tokens that `logs` logs need, or again for those asked for before; whether any was kept. `force` does
   * not wait for the client's own backoff, only for the service's.
   */
  async fetchTokens(logs: number, force: boolean): Promise<boolean> {
    let wanted = logs;
    let renewDirectory = false;
    for (let attempt = 0; attempt < 3; attempt++) {
      const pending = await this.#prepare(wanted, renewDirectory);
      if (pending === undefined || !isDue(pending, this.surroundings.clock.milliseconds(), force)) {
        return false;
      }
      const outcome = await this.#ask(pending);
      if (outcome === "kept" || outcome === "failed") return outcome === "kept";
      if (outcome === "one_token") wanted = 1;
      else renewDirectory = true;
    }
    return false;
  }

  /** The request to send: the one that was sent before and may still be answered, or a new one, stored. */
  async #prepare(logs: number, renewDirectory: boolean): Promise<PendingRecord | undefined> {
    const { storage, clock, suite } = this.surroundings;
    let directory = await this.directory.get(renewDirectory);
    let key = directory && issuingKey(directory, suite.tokenType, clock.seconds());
    if (key === undefined && !renewDirectory) {
      // Published ahead, a key is only missing when the clock or the directory is old.
      directory = await this.directory.get(true);
      key = directory && issuingKey(directory, suite.tokenType, clock.seconds());
    }
    if (directory === undefined || key === undefined) return undefined;
    const { keyId } = key;
    const before = await storage.transaction((entries) => {
      const pending = readRecord<PendingRecord>(entries, PENDING);
      const blocked = readRecord<BlockRecord>(entries, TOKENS_BLOCKED);
      // Only the issuing key signs: a request for another one can no longer be answered.
      if (pending !== undefined && pending.keyId === keyId) return { pending };
      entries.delete(PENDING);
      return { blocked: blocked?.keyId === keyId && clock.milliseconds() < blocked.until };
    });
    if (before.pending !== undefined) return before.pending;
    if (before.blocked) return undefined;
    const uses = Math.min(directory.usesPerToken, MAX_USES);
    const most = Math.min(directory.maxBatch, directory.tokensPerClient);
    const made = this.#blind(directory, key, uses, Math.max(1, Math.min(Math.ceil(logs / uses), most)));
    return await storage.transaction((entries) => {
      // Another tab may have asked meanwhile: its request is the one to send.
      const other = readRecord<PendingRecord>(entries, PENDING);
      if (other?.keyId === keyId) return other;
      writeRecord<PendingRecord>(entries, PENDING, made);
      return made;
    });
  }

  #blind(directory: Directory, key: DirectoryKey, uses: number, count: number): PendingRecord {
    const { suite, random, app } = this.surroundings;
    const digest = challengeDigest({ tokenType: suite.tokenType, issuerName: directory.issuer, app });
    const nonces = Array.from({ length: count }, () => random(32));
    const inputs = tokenInputs(suite.tokenType, nonces, digest, fromBase64url(key.keyId));
    const { blinds, blindedElements } = suite.blind(inputs, random);
    const truncated = truncatedKeyId(fromBase64url(key.keyId));
    const { region, epoch, generation, notBefore, issueUntil, redeemUntil, keyId } = key;
    return {
      keyId,
      publicKey: toBase64url(key.publicKey),
      region,
      epoch,
      generation,
      notBefore,
      issueUntil,
      redeemUntil,
      uses,
      nonces: nonces.map(toBase64url),
      blinds: blinds.map(toBase64url),
      blindedElements: blindedElements.map(toBase64url),
      challengeDigest: toBase64url(digest),
      request: toBase64url(encodeBatchRequest(suite, { truncatedKeyId: truncated, blindedElements })),
      unverified: 0,
      ...NO_RETRY,
    };
  }

  async #ask(pending: PendingRecord): Promise<AskOutcome> {
    const { fetch, url, report, clock, storage, random } = this.surroundings;
    let answer: Answer;
    try {
      const ask = async (renew: boolean): Promise<Answer | undefined> => {
        const jwt = await this.#session(renew);
        if (jwt === undefined) return undefined;
        return await exchange(fetch, `${url}/tokens`, {
          method: "POST",
          headers: { authorization: `Bearer ${jwt}`, "content-type": BATCH_REQUEST_TYPE },
          body: fromBase64url(pending.request),
        }, MAX_ANSWER_BYTES);
      };
      let first = await ask(false);
      if (first?.status === 401) {
        report("refused", { step: "tokens", code: problemCode(first) ?? "status_401" });
        first = await ask(true);
      }
      if (first === undefined) return "failed";
      answer = first;
    } catch {
      report("refused", { step: "tokens", code: "no_answer" });
      const retry = retryLater(pending, clock.milliseconds(), random);
      await storage.transaction((entries) => updatePending(entries, pending, retry));
      return "failed";
    }
    if (answer.status === 200) return await this.#keep(pending, answer);
    const code = problemCode(answer) ?? `status_${answer.status}`;
    report("refused", { step: "tokens", code });
    if (answer.status === 422) {
      await this.#forget(pending);
      return code === "key_not_issuing" ? "new_key" : "failed";
    }
    // Refused whole at its first send, so nothing was granted: a smaller batch may fit what is left.
    if (code === "quota_exhausted" && pending.failures === 0 && pending.nonces.length > 1) {
      await this.#forget(pending);
      return "one_token";
    }
    const now = clock.milliseconds();
    const retry = retryLater(pending, now, random, retryAfter(answer.headers, now, MOST_WAIT));
    await storage.transaction((entries) => {
      if (code === "quota_exhausted") {
        writeRecord<BlockRecord>(entries, TOKENS_BLOCKED, { keyId: pending.keyId, until: retry.retryAt });
      }
      updatePending(entries, pending, retry);
    });
    return "failed";
  }

  async #session(renew: boolean): Promise<string | undefined> {
    try {
      return await this.surroundings.session({ renew });
    } catch {
      // Why signing in failed is between the app and its users.
      this.surroundings.report("refused", { step: "session", code: "session_failed" });
      return undefined;
    }
  }

  /** Verifies an answer and keeps its tokens: all of them or, when anything is wrong, none. */
  async #keep(pending: PendingRecord, answer: Answer): Promise<"kept" | "failed"> {
    const { storage, report, random, clock } = this.surroundings;
    let authenticators: Uint8Array[];
    try {
      if (answer.headers.get("content-type")?.toLowerCase() !== BATCH_RESPONSE_TYPE) {
        throw new RangeError("not a batch response");
      }
      authenticators = this.#finalize(pending, answer.body);
    } catch {
      report("refused", { step: "tokens", code: "not_verified" });
      const unverified = pending.unverified + 1;
      await storage.transaction((entries) => {
        if (unverified >= MAX_UNVERIFIED) removePending(entries, pending);
        else {
          updatePending(entries, pending, {
            unverified,
            ...retryLater(pending, clock.milliseconds(), random),
          });
        }
      });
      return "failed";
    }
    const { keyId, region, epoch, generation, notBefore, redeemUntil } = pending;
    const tokens = authenticators.map((authenticator, index) => ({
      keyId,
      region,
      epoch,
      generation,
      nonce: pending.nonces[index]!,
      macKey: toBase64url(deriveMacKey(authenticator)),
      uses: shuffledRange(pending.uses, random),
      notBefore,
      redeemUntil,
      taken: 0,
    }));
    const kept = await storage.transaction((entries) => {
      // Kept once only: another tab may have had the same answer, and spent of it.
      if (!removePending(entries, pending)) return false;
      for (const token of tokens) keepToken(entries, token);
      return true;
    });
    if (kept) report("issued", { tokens: tokens.length });
    return "kept";
  }

  #finalize(pending: PendingRecord, body: Uint8Array): Uint8Array[] {
    const { suite } = this.surroundings;
    const nonces = pending.nonces.map((nonce) => fromBase64url(nonce));
    const { evaluatedElements, proof } = decodeBatchResponse(suite, body, nonces.length);
    return suite.finalize({
      inputs: tokenInputs(
        suite.tokenType,
        nonces,
        fromBase64url(pending.challengeDigest),
        fromBase64url(pending.keyId),
      ),
      blinds: pending.blinds.map((blind) => fromBase64url(blind)),
      blindedElements: pending.blindedElements.map((element) => fromBase64url(element)),
      evaluatedElements,
      publicKey: fromBase64url(pending.publicKey),
      proof,
    });
  }

  async #forget(pending: PendingRecord): Promise<void> {
    await this.surroundings.storage.transaction((entries) => void removePending(entries, pending));
  }
}

function tokenInputs(
  tokenType: number,
  nonces: Uint8Array[],
  digest: Uint8Array,
  keyId: Uint8Array,
): Uint8Array[] {
  return nonces.map((nonce) =>
    encodeTokenInput({ tokenType, nonce, challengeDigest: digest, tokenKeyId: keyId })
  );
}

/** Deletes a request unless another one took its place; whether it was there. */
function removePending(entries: Entries, pending: PendingRecord): boolean {
  if (readRecord<PendingRecord>(entries, PENDING)?.request !== pending.request) return false;
  entries.delete(PENDING);
  return true;
}

function updatePending(entries: Entries, pending: PendingRecord, change: Partial<PendingRecord>): void {
  if (readRecord<PendingRecord>(entries, PENDING)?.request !== pending.request) return;
  writeRecord<PendingRecord>(entries, PENDING, { ...pending, ...change });
}
