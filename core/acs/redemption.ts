/**
 * Redemption: the one seam between a log and the ACS, and its local implementation, in which the claim of a use and the
 * record go into one atomic commit (docs/protocol.md, sections 5 and 8).
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { binaryText } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import { keyExpired, type KeyRing, type SigningKey } from "../keys/key_ring.ts";
import type { MacKeyCache } from "./mac_keys.ts";
import type { Committer } from "../ledger/committer.ts";
import { claimId, useDigest } from "../store/kv.ts";
import { dayOf, hourOf } from "../base/time.ts";
import type { Credential } from "../token/credential.ts";
import { type Hmac, hmacSha256 } from "../base/hmac.ts";
import { deriveMacKey, type Transcript, transcriptParts } from "../token/mac.ts";
import { encodeTokenInput } from "../token/token.ts";

/** One log to be redeemed. */
export interface Redemption {
  /** The application's id. */
  readonly app: string;
  /** What the Authorization header says. */
  readonly credential: Credential;
  /** What the MAC covers besides the credential. */
  readonly body: Pick<Transcript, "contentEncoding" | "bodyDigest">;
}

/** What is to be stored once the use is claimed. */
export interface Prepared {
  /** One line of NDJSON, at most 60 KiB. */
  readonly record: Uint8Array;
}

/** Redeems logs: locally, or at an ACS elsewhere. */
export interface Redeemer {
  /**
   * Verifies the MAC, claims the use and stores what `prepare` gives, or refuses and changes nothing.
   * `prepare` reads the body; it may refuse too, and is not called before the MAC has verified where the ACS is local.
   * @returns Whether this very request had been accepted before.
   * @throws {Refusal} With a code of docs/protocol.md, section 6.
   */
  redeem(redemption: Redemption, prepare: () => Prepared, nowSeconds: number): Promise<{ replayed: boolean }>;
}

/** What redemption in this process works with. */
export interface RedemptionContext {
  /** The application's keys, or undefined when there is no such application. */
  readonly ringOf: (app: string) => KeyRing | undefined;
  /** Claims and stores. */
  readonly committer: Committer;
  /** MAC keys of tokens in use. */
  readonly macKeys: MacKeyCache;
}

/** A credential whose MAC has verified, ready to be claimed. */
export interface VerifiedUse {
  /** The key of the token. */
  readonly key: SigningKey;
  /** 32 bytes. */
  readonly macKey: Uint8Array;
}

/** Redemption with the ACS in this process. */
export class LocalRedeemer implements Redeemer {
  /** Redeems with the given keys, committer and cache. */
  constructor(private readonly context: RedemptionContext) {}

  /** See {@linkcode Redeemer.redeem}: one commit makes the claim and the record true together. */
  async redeem(
    redemption: Redemption,
    prepare: () => Prepared,
    nowSeconds: number,
  ): Promise<{ replayed: boolean }> {
    const { key } = await this.verify(redemption, nowSeconds);
    return await this.claim(redemption.app, key, redemption.credential, nowSeconds, prepare().record);
  }

  /**
   * Steps 3 to 6 of the order of work: key, use, evaluation, MAC. Writes nothing.
   * @throws {Refusal} `key_unknown`, `key_expired`, `use_out_of_range`, `mac_invalid`, `overloaded`.
   */
  async verify(redemption: Redemption, nowSeconds: number): Promise<VerifiedUse> {
    const { app, credential, body } = redemption;
    const ring = this.context.ringOf(app);
    if (ring === undefined) throw new Refusal("app_unknown", "There is no such application.");
    this.context.committer.admit();
    const key = await ring.redeeming(credential.keyId, nowSeconds);
    if (credential.use >= key.usesPerToken) {
      throw new Refusal("use_out_of_range", "The token has no such use; take the next token.");
    }
    const cached = this.context.macKeys.get(key.ordinal, credential.nonce);
    const hmac = key.voprf.hmacSha256 ?? hmacSha256;
    const macKey = cached ?? evaluateMacKey(key, credential.nonce, hmac);
    const { keyId, nonce, use } = credential;
    const expected = hmac(macKey, ...transcriptParts({ app, ...body, keyId, nonce, use }));
    if (!timingSafeEqual(expected, credential.mac)) {
      throw new Refusal("mac_invalid", "The MAC does not fit the token and the request.");
    }
    if (cached === undefined) this.context.macKeys.set(key.ordinal, credential.nonce, macKey);
    return { key, macKey };
  }

  /**
   * Step 8: claims the use together with the record, if there is one to store here.
   * @throws {Refusal} `use_taken`, `key_expired`, `overloaded`, `store_unavailable`.
   */
  async claim(
    app: string,
    key: SigningKey,
    credential: Credential,
    nowSeconds: number,
    record?: Uint8Array,
  ): Promise<{ replayed: boolean }> {
    const outcome = await this.context.committer.submit({
      id: claimId(key.ordinal, useDigest(credential.nonce, credential.use), credential.use),
      lane: binaryText(credential.nonce),
      tag: credential.mac.slice(0, 16),
      ordinal: key.ordinal,
      aliveVersionstamp: key.aliveVersionstamp,
      app,
      day: dayOf(nowSeconds),
      hour: hourOf(nowSeconds),
      ...(record === undefined ? {} : { record }),
    });
    switch (outcome) {
      case "accepted":
        return { replayed: false };
      case "replayed":
        return { replayed: true };
      case "taken":
        throw new Refusal("use_taken", "Another log has claimed this use; take the next one.");
      case "key_over":
        this.context.ringOf(app)?.forget();
        // The first of many requests that hear of it clears the whole cache, which takes milliseconds.
        if (this.context.macKeys.get(key.ordinal, credential.nonce) !== undefined) {
          this.context.macKeys.clear(key.ordinal);
        }
        throw keyExpired();
    }
  }
}

function evaluateMacKey(key: SigningKey, nonce: Uint8Array, hmac: Hmac): Uint8Array {
  const input = encodeTokenInput({
    tokenType: key.voprf.tokenType,
    nonce,
    challengeDigest: key.challengeDigest,
    tokenKeyId: key.keyId,
  });
  return deriveMacKey(key.voprf.evaluate(key.secretKey, [input])[0]!, hmac);
}
