/**
 * Fetching tokens: blind, ask, verify, keep (docs/protocol.md, section 4).
 *
 * @module
 */
import { toBase64url } from "../../core/base/bytes.ts";
import { BATCH_REQUEST_TYPE, BATCH_RESPONSE_TYPE } from "../../core/token/batch.ts";
import { deriveMacKey } from "../../core/token/mac.ts";
import { type Clock, MAX_OFFSET } from "../base/clock.ts";
import { inTime } from "../base/deadline.ts";
import type { Collection } from "../base/collection.ts";
import { MOST_WAIT, retryAfter } from "../base/headers.ts";
import { randomFraction, shuffledRange } from "../base/random.ts";
import type { SessionSource } from "../base/types.ts";
import { isDue, retryLater } from "../http/backoff.ts";
import { type Directory, type DirectoryKey, issuingKey } from "../http/directory.ts";
import type { CachedDocument } from "../http/document.ts";
import type { Places } from "../http/places.ts";
import { type Answer, exchange, type Network, refusalCode } from "../http/network.ts";
import type { Commit } from "../storage/commit.ts";
import { PENDING, type PendingRecord, QUIET, read, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { accountMark } from "./account.ts";
import { batchRequest, blindAnew, type BlindingParts, blindTokens, openBatch } from "./blinding.ts";
import type { Device } from "./device.ts";
import { keepToken } from "./wallet.ts";

/** Most bytes of an answer: the longest batch of any suite is far below. */
const MAX_ANSWER_BYTES = 32_768;
/** Attempts of one call: a new key, or a smaller batch, may do better. */
const MAX_ATTEMPTS = 3;
/** Failures after which a request that was answered wrongly waits as long as any does: it may have been granted. */
const MAX_FAILURES = 3;
/** Seconds at the end of an epoch (an eighth of a short one) in which no tokens are asked for. */
const LAST_SECONDS = 3;

/** Tells in a transaction how many logs have no token that could sign them. */
export type Missing = (entries: Entries) => number;

/** Tokens to fetch: for logs that are missing one, and for the pseudonym that is collected. */
export interface Need {
  readonly collection: Collection;
  readonly missing: Missing;
}

/** What fetching tokens takes of its client. */
export interface IssuanceParts extends BlindingParts {
  readonly places: Places;
  readonly session: SessionSource;
  readonly network: Network;
  readonly commit: Commit;
  readonly clock: Clock;
  readonly device: Device;
  readonly directory: CachedDocument<Directory>;
  /** Most milliseconds by which sending waits. */
  readonly delayMilliseconds: number;
}

/** What came of a request: its tokens are kept, it failed for now, or another one may do better. */
type Outcome = "kept" | "failed" | "new_key" | "one_token";

/**
 * What is to be sent: a request, or nothing: there are tokens enough, no key to ask for any with, or one of another
 * period of the pseudonym than the one that is running.
 */
type Preparation =
  | { readonly kind: "request"; readonly pending: PendingRecord }
  | { readonly kind: "enough" | "no_key" | "other_period" };

/** A request as it was sent, and its answer. */
interface Sent {
  readonly pending: PendingRecord;
  readonly answer: Answer;
}

/** Fetches the tokens of one client. */
export class Issuance {
  readonly #parts: IssuanceParts;

  /** Nothing is asked for yet. */
  constructor(parts: IssuanceParts) {
    this.#parts = parts;
  }

  /**
   * Asks for the tokens that as many logs need as are missing one, or again for those asked for before; whether tokens
   * are there now. `force` does not wait for the client's own backoff, only for the service's.
   */
  async fetch(need: Need, force: boolean): Promise<boolean> {
    let outcome: Outcome | undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const prepared = await this.#prepare(need, outcome);
      // The clock may be an answer's that was wrong: the next one tells.
      if (prepared.kind === "other_period" && outcome === undefined) {
        outcome = "new_key";
        continue;
      }
      if (prepared.kind !== "request") return prepared.kind === "enough";
      if (!isDue(prepared.pending, this.#parts.clock.now(), force)) return false;
      outcome = await this.#ask(prepared.pending);
      if (outcome === "kept" || outcome === "failed") return outcome === "kept";
    }
    return false;
  }

  /** The request to send: the one that was sent before and may still be answered, or a new one, stored. */
  async #prepare({ collection, missing }: Need, outcome: Outcome | undefined): Promise<Preparation> {
    const { clock, commit, device } = this.#parts;
    // Published ahead, a key is only missing when the clock or the directory is old.
    const chosen = (outcome === "new_key" ? undefined : await this.#choose(false)) ??
      await this.#choose(true);
    if (chosen === undefined) return { kind: "no_key" };
    const { directory, key } = chosen;
    const { keyId, notBefore, issueUntil } = key;
    // Under way when the epoch ends, a request would be refused: in its last seconds it waits for the next key.
    const lastSeconds = Math.min(LAST_SECONDS, (issueUntil - notBefore) / 8);
    if (issueUntil - clock.seconds() <= lastSeconds) return { kind: "no_key" };
    return await commit((entries) => {
      const logs = missing(entries);
      // Another tab's request was answered since this one looked.
      if (logs === 0) return { kind: "enough" };
      // An epoch lies in one period of the pseudonym: where it does not, its tokens would serve one that is over.
      const pseudonym = device.pseudonym(entries, collection, notBefore);
      if (pseudonym !== device.pseudonym(entries, collection)) return { kind: "other_period" };
      const before = read<PendingRecord>(entries, PENDING);
      // Only the issuing key signs: a request for one before it can no longer be answered. One for a later key, as far
      // as any clock is believed, is another tab's, in whose epoch it is by now, or one that the clock was led back from,
      // for which the quota may be used up. Tokens of another pseudonym, or of none, would be of no use.
      const isLater = before !== undefined && before.notBefore > notBefore &&
        before.notBefore <= clock.seconds() + MAX_OFFSET / 1000;
      if (before !== undefined && (before.keyId === keyId || isLater)) {
        if ((before.pseudonym ?? "") === pseudonym) return { kind: "request", pending: before };
        if (isLater) return { kind: "other_period" };
      }
      const wish = { directory, key, pseudonym, logs: outcome === "one_token" ? undefined : logs };
      const pending = blindTokens(this.#parts, wish);
      write(entries, PENDING, pending);
      return { kind: "request", pending };
    });
  }

  /** The key that issues now, and its directory. */
  async #choose(renew: boolean): Promise<{ directory: Directory; key: DirectoryKey } | undefined> {
    const { clock, suite } = this.#parts;
    const directory = await this.#parts.directory.get(renew);
    const key = directory && issuingKey(directory, suite.tokenType, clock.seconds());
    return directory && key && { directory, key };
  }

  async #ask(prepared: PendingRecord): Promise<Outcome> {
    const { clock, commit, network, random } = this.#parts;
    const sent = await this.#send(prepared, false);
    if (sent === undefined) return "failed";
    const { pending, answer } = sent;
    if (answer.status === 200) {
      const authenticators = this.#verify(pending, answer);
      if (authenticators !== undefined) {
        await this.#keep(pending, authenticators);
        return "kept";
      }
      network.report("refused", { step: "tokens", code: "not_verified" });
    }
    const code = refusalCode(answer);
    // A batch that was refused whole at its first send was not granted: a smaller one may fit what is left.
    const isTooLarge = code === "quota_exhausted" && pending.failures === 0 && pending.nonces.length > 1;
    // It stays for as long as its key issues: another one would find the quota used up that this one may have been granted.
    const isWrong = (answer.status === 200 || answer.status === 422) && pending.failures + 1 >= MAX_FAILURES;
    const wait = isWrong ? MOST_WAIT : retryAfter(answer.headers);
    const retry = retryLater(pending, clock.now(), random, wait);
    await commit((entries) => {
      if (!isSame(entries, pending)) return;
      if (isTooLarge) entries.delete(PENDING);
      else write(entries, PENDING, { ...pending, ...retry });
    });
    // Tokens may be issued elsewhere by now: the directory says so too.
    if (code === "key_not_issuing" || code === "route_unknown") return "new_key";
    return isTooLarge ? "one_token" : "failed";
  }

  /** Signs in and sends; once more with a new session when the service refuses it. */
  async #send(prepared: PendingRecord, renew: boolean): Promise<Sent | undefined> {
    const { commit, directory, network, places, session, suite } = this.#parts;
    let jwt: string;
    try {
      jwt = await inTime(network.signal, () => session({ renew }));
    } catch {
      // Why signing in failed is between the app and its users.
      network.report("refused", { step: "session", code: "session_failed" });
      return undefined;
    }
    // The user may have opted out meanwhile, or signed in as somebody else.
    const pending = await commit((entries) => this.#claim(entries, prepared, jwt));
    if (pending === undefined) return undefined;
    const answer = await exchange(network, {
      step: "tokens",
      url: `${places.issuing(directory.current)}/tokens`,
      init: {
        method: "POST",
        headers: { authorization: `Bearer ${jwt}`, "content-type": BATCH_REQUEST_TYPE },
        body: batchRequest(suite, pending),
      },
      maxBytes: MAX_ANSWER_BYTES,
    });
    return answer.status === 401 && !renew ? await this.#send(pending, true) : { pending, answer };
  }

  /**
   * A request for the account of a session. One that may have been sent with another account's is blinded anew: the same
   * blinded elements under both would say that they are one device. Undefined when another tab's took its place.
   */
  #claim(entries: Entries, prepared: PendingRecord, jwt: string): PendingRecord | undefined {
    const before = read<PendingRecord>(entries, PENDING);
    if (before === undefined || !isSame(entries, prepared)) return undefined;
    const account = accountMark(this.#parts.device, entries, jwt);
    if (before.account === account) return before;
    const pending = { ...(before.account === "" ? before : blindAnew(this.#parts, before)), account };
    write(entries, PENDING, pending);
    return pending;
  }

  /** The authenticators of an answer that verifies; undefined when anything is wrong with it. */
  #verify(pending: PendingRecord, { headers, body }: Answer): Uint8Array[] | undefined {
    if (headers.get("content-type") !== BATCH_RESPONSE_TYPE) return undefined;
    try {
      return openBatch(this.#parts.suite, pending, body);
    } catch {
      return undefined;
    }
  }

  async #keep(pending: PendingRecord, authenticators: readonly Uint8Array[]): Promise<void> {
    const { clock, commit, delayMilliseconds, random } = this.#parts;
    const { keyId, notBefore, redeemUntil, uses, nonces, pseudonym, bindings } = pending;
    const tokens = nonces.flatMap((nonce, index) => {
      const authenticator = authenticators[index];
      if (authenticator === undefined) return [];
      const macKey = toBase64url(deriveMacKey(authenticator));
      const life = { keyId, notBefore, redeemUntil };
      const served = { pseudonym, binding: bindings?.[index] };
      return [{ ...life, ...served, nonce, macKey, uses: shuffledRange(uses, random) }];
    });
    await commit((entries, report) => {
      // Kept once only: another tab may have had the same answer, and spent of it.
      if (!isSame(entries, pending)) return;
      entries.delete(PENDING);
      for (const token of tokens) keepToken(entries, token);
      // What leaves at a page's end keeps from it by what any other log does.
      const now = clock.now();
      write(entries, QUIET, [now, now + randomFraction(random) * delayMilliseconds]);
      report("issued", { tokens: tokens.length });
    });
  }
}

/** Whether no other request took a request's place. */
function isSame(entries: Entries, pending: PendingRecord): boolean {
  return read<PendingRecord>(entries, PENDING)?.nonces[0] === pending.nonces[0];
}
