/**
 * Redemption on a log server: the ACS elsewhere claims the use, and the record is stored here, once, whatever fails in
 * between (docs/protocol.md, section 8).
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalPublic, toBase64url, u16, utf8 } from "../../base/bytes.ts";
import { Refusal } from "../../base/errors.ts";
import type { PublishedKey } from "../../keys/directory.ts";
import { keyExpired } from "../../keys/key_ring.ts";
import type { Committer } from "../../ledger/committer.ts";
import { claimId } from "../../ledger/row_ids.ts";
import { dayOf, hourOfDay } from "../../base/time.ts";
import type { RecordOf, Redeemer, Redemption, StoredUse, VerifiedUse } from "../redeemer.ts";
import type { RemoteAcs } from "./port.ts";
import type { RemoteKeys } from "./remote_keys.ts";

/** Bytes of the tag under which a stored use is known. */
const STORED_TAG_LENGTH = 16;
/** The most that the configuration allows a key: an epoch of thirty days, and eight more of overlap. */
const LONGEST_LIFE_SECONDS = 9 * 30 * 86_400;
const STORED_LABEL = utf8("DIT/1 stored");

/** HMAC-SHA-256(mac_key, "DIT/1 stored" | u16 use)[0..16]: nobody without the MAC key can tell whose use it is. */
function storedTag(macKey: Uint8Array, use: number): Uint8Array {
  return hmac(sha256, macKey, concat(STORED_LABEL, u16(use))).slice(0, STORED_TAG_LENGTH);
}

/** What redemption on a log server works with. */
export interface RemoteRedeemerOptions {
  /** Claims uses. */
  readonly acs: RemoteAcs;
  /** The keys under which records are stored here. */
  readonly keys: RemoteKeys;
  /** Stores records. */
  readonly committer: Committer;
}

/** Redemption with the ACS elsewhere. */
export class RemoteRedeemer implements Redeemer {
  readonly #options: RemoteRedeemerOptions;

  /** Redeems with the given ACS and committer. */
  constructor(options: RemoteRedeemerOptions) {
    this.#options = options;
  }

  /**
   * See {@linkcode Redeemer.expect}. The directory of the ACS does not list every key that redeems (those from before a
   * change of the epoch's length), so that only the ACS can refuse one.
   */
  // deno-lint-ignore require-await -- what it throws is a rejection like any other.
  async expect(): Promise<void> {
    this.#options.committer.admit();
  }

  /**
   * See {@linkcode Redeemer.verify}. The ACS verifies and claims in one call, so it is asked by
   * {@linkcode RemoteRedeemer.store}, once the body has been read: a log that cannot be stored spends nothing.
   */
  verify(redemption: Redemption, nowSeconds: number): Promise<VerifiedUse> {
    return Promise.resolve({ redemption, nowSeconds });
  }

  /**
   * See {@linkcode Redeemer.store}. Whether the record is here is decided by a row of this store, so that a log that was
   * claimed and not stored is completed when the client sends it again, and one that was stored is not stored twice.
   */
  async store({ redemption, nowSeconds }: VerifiedUse, recordOf: RecordOf): Promise<StoredUse> {
    const { acs, keys, committer } = this.#options;
    // A store that takes nothing now is found out before the use is spent.
    committer.admit();
    const { macKey, notBefore, redeemUntil } = await acs.redeem(redemption);
    const { app, credential: { keyId, nonce, use } } = redemption;
    const record = recordOf(notBefore ?? (await this.#published(app, keyId, nowSeconds))?.notBefore);
    const tag = storedTag(macKey, use);
    const key = await keys.of(
      app,
      keyId,
      async () => redeemUntil ?? await this.#redeemUntil(app, keyId, nowSeconds),
    );
    const outcome = await committer.submit({
      id: claimId(key.ordinal, tag, use),
      lane: toBase64url(nonce),
      tag,
      guard: key.alive,
      app,
      day: dayOf(nowSeconds),
      hour: hourOfDay(nowSeconds),
      record,
    });
    if (outcome === "key_over") {
      keys.forget();
      await committer.requireOver({ guard: key.alive });
      throw keyExpired();
    }
    // The tag is in the row's name: another one under it cannot be.
    return outcome === "accepted" ? "accepted" : "replayed";
  }

  /**
   * See {@linkcode Redeemer.wasStored}. The ACS knows whether this request spent its use, this store whether the record
   * came with it; a log that the ACS would not take now was not stored as far as anybody can tell.
   */
  async wasStored({ redemption }: VerifiedUse): Promise<boolean> {
    const { acs, keys, committer } = this.#options;
    const { app, credential: { keyId, use } } = redemption;
    const ordinal = await keys.ordinalOf(app, keyId);
    if (ordinal === undefined) return false;
    const macKey = await acs.findRedeemed(redemption).catch(unlessUnknown);
    if (macKey === undefined) return false;
    const tag = storedTag(macKey, use);
    return await committer.outcomeOf({ id: claimId(ordinal, tag, use), tag }) === "replayed";
  }

  /**
   * When the key ends, where the ACS did not say: an older one. Its directory does not list keys from before a change of
   * the epoch's length, and the configuration of now says nothing of them: they end within the longest life of all.
   */
  async #redeemUntil(app: string, keyId: Uint8Array, nowSeconds: number): Promise<number> {
    return (await this.#published(app, keyId, nowSeconds))?.redeemUntil ?? nowSeconds + LONGEST_LIFE_SECONDS;
  }

  /** What an older ACS does not say with a use, its directory says of most keys. */
  async #published(app: string, keyId: Uint8Array, nowSeconds: number): Promise<PublishedKey | undefined> {
    const keys = await this.#options.acs.keys(app, nowSeconds);
    return keys.find((key) => equalPublic(key.keyId, keyId));
  }
}

/** A refusal that says of a use that it was not claimed by this request; any other is passed on. */
function unlessUnknown(error: unknown): undefined {
  if (error instanceof Refusal && error.code !== "store_unavailable" && error.code !== "overloaded") return;
  throw error;
}
