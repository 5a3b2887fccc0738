/**
 * Redemption: the one seam between a log and the ACS, and its implementation with the keys of this process, in which the
 * claim of a use and the record go into one atomic commit (docs/protocol.md, sections 5 and 8).
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { binaryText } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import { dayOf, hourOfDay } from "../base/time.ts";
import { keyExpired, type KeyRing, type SigningKey } from "../keys/key_ring.ts";
import type { Committer } from "../ledger/committer.ts";
import { claimId, useDigest } from "../ledger/row_ids.ts";
import type { Credential } from "../token/credential.ts";
import { deriveMacKey, type Transcript, transcriptParts } from "../token/mac.ts";
import { encodeTokenInput } from "../token/token.ts";
import { Evaluations } from "./evaluations.ts";
import type { MacKeyCache } from "./mac_keys.ts";

/** One use of a token to be redeemed. */
export interface Redemption {
  /** The application's id. */
  readonly app: string;
  /** What the Authorization header says. */
  readonly credential: Credential;
  /** What the MAC covers besides the credential. */
  readonly body: Pick<Transcript, "contentEncoding" | "bodyDigest">;
}

/** A use that {@linkcode Redeemer.verify} let through. */
export interface VerifiedUse {
  /** What was verified. */
  readonly redemption: Redemption;
  /** Unix seconds, whole: when it arrived. */
  readonly nowSeconds: number;
}

/** What became of a use that was stored: the first success, or one that this very request had before. */
export type StoredUse = "accepted" | "replayed";

/**
 * The record to be stored, one line of NDJSON of at most 60 KiB, by when the epoch of the token's key begins (Unix seconds;
 * undefined where nobody says): a log server hears of that only from the ACS that claims the use.
 */
export type RecordOf = (keyBeginsSeconds: number | undefined) => Uint8Array;

/** Redeems uses: with the keys of this process, or at an ACS elsewhere. */
export interface Redeemer<Use extends VerifiedUse = VerifiedUse> {
  /**
   * Refuses what can be refused of a use before its body is there, so that nobody waits for it; writes nothing and proves
   * nothing. An ACS elsewhere knows the keys, so that little is left to refuse there.
   * @throws {Refusal} With a code that {@linkcode Redeemer.verify} has too.
   */
  expect(redemption: Omit<Redemption, "body">, nowSeconds: number): Promise<void>;
  /**
   * Verifies as much as can be without spending the use, and writes nothing. Where the keys are here that is all of it;
   * an ACS elsewhere verifies as it claims, so that there it is left to {@linkcode Redeemer.store}.
   * @throws {Refusal} With a code of docs/protocol.md, section 6.
   */
  verify(redemption: Redemption, nowSeconds: number): Promise<Use>;
  /**
   * Claims the use and stores the record with it, or refuses and changes nothing.
   * @throws {Refusal} With a code of docs/protocol.md, section 6; `store_unavailable` when the outcome is unknown.
   */
  store(use: Use, recordOf: RecordOf): Promise<StoredUse>;
  /**
   * Whether this very request was accepted before; spends and writes nothing. It is asked only where something would
   * refuse the log now.
   * @throws {Refusal} `overloaded` or `store_unavailable` when it cannot be known now.
   */
  wasStored(use: Use): Promise<boolean>;
}

/** What redemption in this process works with. */
export interface LocalRedeemerOptions {
  /** The application's keys, or undefined when there is no such application. */
  readonly ringOf: (app: string) => KeyRing | undefined;
  /** Claims and stores. */
  readonly committer: Committer;
  /** MAC keys of tokens in use. */
  readonly macKeys: MacKeyCache;
}

/** A use whose MAC has verified under a key of this process. */
export interface LocalUse extends VerifiedUse {
  /** The key of the token. */
  readonly key: SigningKey;
  /** 32 bytes. */
  readonly macKey: Uint8Array;
}

/** Redemption with the keys of this process. */
export class LocalRedeemer implements Redeemer<LocalUse> {
  readonly #ringOf: LocalRedeemerOptions["ringOf"];
  readonly #committer: Committer;
  readonly #macKeys: MacKeyCache;
  readonly #evaluations = new Evaluations();

  /** Redeems with the given keys, committer and cache. */
  constructor({ ringOf, committer, macKeys }: LocalRedeemerOptions) {
    this.#ringOf = ringOf;
    this.#committer = committer;
    this.#macKeys = macKeys;
  }

  /**
   * Steps 3 and 4 of the order of work: key and use.
   * @throws {Refusal} `app_unknown`, `key_unknown`, `key_expired`, `use_out_of_range`, `overloaded`, `store_unavailable`.
   */
  async expect(redemption: Omit<Redemption, "body">, nowSeconds: number): Promise<void> {
    await this.#keyOf(redemption, nowSeconds);
    this.#committer.admit();
  }

  /**
   * Steps 3 to 6 of the order of work: key, use, evaluation, MAC. Writes nothing.
   * @throws {Refusal} `app_unknown`, `overloaded`, `store_unavailable`, `key_unknown`, `key_expired`,
   * `use_out_of_range`, `mac_invalid`.
   */
  async verify(redemption: Redemption, nowSeconds: number): Promise<LocalUse> {
    const { app, credential, body } = redemption;
    this.#committer.admit();
    const key = await this.#keyOf(redemption, nowSeconds);
    const cached = this.#macKeys.get(key.ordinal, credential.nonce);
    const { hashes } = key.voprf;
    const macKey = cached ?? await this.#evaluateMacKey(key, credential.nonce);
    const { keyId, nonce, use } = credential;
    const expected = hashes.hmacSha256(macKey, ...transcriptParts({ app, ...body, keyId, nonce, use }));
    if (!timingSafeEqual(expected, credential.mac)) {
      throw new Refusal("mac_invalid", "The MAC does not fit the token and the request.");
    }
    if (cached === undefined) this.#macKeys.set(key.ordinal, credential.nonce, macKey);
    return { redemption, nowSeconds, key, macKey };
  }

  async #keyOf(
    { app, credential: { keyId, use } }: Omit<Redemption, "body">,
    nowSeconds: number,
  ): Promise<SigningKey> {
    const ring = this.#ringOf(app);
    if (ring === undefined) throw new Refusal("app_unknown", "There is no such application.");
    const key = await ring.redeeming(keyId, nowSeconds);
    if (use >= key.usesPerToken) {
      throw new Refusal("use_out_of_range", "The token has no such use; take the next token.");
    }
    return key;
  }

  async #evaluateMacKey(key: SigningKey, nonce: Uint8Array): Promise<Uint8Array> {
    const input = encodeTokenInput({
      tokenType: key.voprf.tokenType,
      nonce,
      challengeDigest: key.challengeDigest,
      tokenKeyId: key.keyId,
    });
    return deriveMacKey(await this.#evaluations.evaluate(key, input), key.voprf.hashes);
  }

  /**
   * Step 8: one commit claims the use and stores the record, which is absent where another server keeps it.
   * @throws {Refusal} `use_taken`, `key_expired`, `overloaded`, `store_unavailable`.
   */
  async store(use: LocalUse, recordOf?: RecordOf): Promise<StoredUse> {
    const { key, nowSeconds, redemption: { app, credential } } = use;
    const outcome = await this.#committer.submit({
      ...claimOf(use),
      lane: binaryText(credential.nonce),
      guard: key.alive,
      app,
      day: dayOf(nowSeconds),
      hour: hourOfDay(nowSeconds),
      record: recordOf?.(key.notBefore),
    });
    switch (outcome) {
      case "accepted":
      case "replayed":
        return outcome;
      case "taken":
        throw new Refusal("use_taken", "Another log has claimed this use; take the next one.");
      case "key_over":
        this.#ringOf(app)?.forget();
        // The first of many requests that hear of it clears the whole cache, which takes milliseconds.
        if (this.#macKeys.get(key.ordinal, credential.nonce) !== undefined) this.#macKeys.clear(key.ordinal);
        await this.#committer.requireOver({ guard: key.alive });
        throw keyExpired();
    }
  }

  /** See {@linkcode Redeemer.wasStored}. */
  async wasStored(use: LocalUse): Promise<boolean> {
    return await this.#committer.outcomeOf(claimOf(use)) === "replayed";
  }
}

/** The name of a use's claim, and the tag that tells this very request from others. */
function claimOf({ key, redemption: { credential: { nonce, use, mac } } }: LocalUse) {
  return { id: claimId(key.ordinal, useDigest(nonce, use), use), tag: mac.slice(0, 16) };
}
