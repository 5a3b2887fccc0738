/**
 * Issuance: the seam between a client's batch and the ACS, and its implementation with the keys of this process: the
 * quota is committed, then evaluations and one proof go out (docs/protocol.md, section 4).
 *
 * @module
 */
import { DecodeError } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import type { RandomSource } from "../base/random.ts";
import type { Application } from "../config/types.ts";
import type { KeyRing, SigningKey } from "../keys/key_ring.ts";
import type { Store } from "../store/store.ts";
import { type BatchRequest, decodeBatchRequest, encodeBatchResponse } from "../token/batch.ts";
import { VoprfError } from "../voprf/suite.ts";
import type { ClientIdentity } from "./client_tag.ts";
import { spendQuota } from "./quota.ts";
import { Turns } from "./turns.ts";

/** A batch that a client wants signed. */
export interface AskedBatch {
  /** The application. */
  readonly app: Application;
  /** Who asks; the caller has verified it. */
  readonly client: ClientIdentity;
  /** The encoded batch request. */
  readonly request: Uint8Array<ArrayBuffer>;
  /** Unix seconds, whole: when its whole body had arrived. */
  readonly nowSeconds: number;
  /** Called once the batch is known to be right, before anything is granted; it may refuse. */
  readonly beforeGrant?: (() => Promise<void>) | undefined;
}

/** A batch that was signed. */
export interface SignedBatch {
  /** The encoded batch response. */
  readonly response: Uint8Array<ArrayBuffer>;
  /** How many tokens were granted here: none when the same bytes had been granted before, or when another ACS counts. */
  readonly granted: number;
}

/** Signs batches: with the keys of this process, or at an ACS elsewhere. */
export interface Issuer {
  /**
   * Signs a batch for a client.
   * @throws {Refusal} `batch_invalid`, `key_not_issuing`, `quota_exhausted`, `store_unavailable`.
   */
  issue(asked: AskedBatch): Promise<SignedBatch>;
  /**
   * Resolves when tokens could be issued now.
   * @throws {Refusal} `store_unavailable`.
   */
  ready(app: Application, nowSeconds: number): Promise<void>;
}

/** What issuance in this process works with. */
export interface LocalIssuerOptions {
  /** Where the quotas are. */
  readonly store: Store;
  /** For proofs. */
  readonly random: RandomSource;
  /** Unix seconds, whole: nothing is signed after a key's issuance, however long the store took. */
  readonly now: () => number;
  /** The application's keys. Throws the refusal `app_unknown`. */
  readonly ringOf: (app: string) => KeyRing;
}

/** Issuance with the keys of this process. */
export class LocalIssuer implements Issuer {
  readonly #store: Store;
  readonly #random: RandomSource;
  readonly #now: () => number;
  readonly #ringOf: (app: string) => KeyRing;
  readonly #turns = new Turns();

  /** Issues with the keys that `ringOf` gives. */
  constructor({ store, random, now, ringOf }: LocalIssuerOptions) {
    this.#store = store;
    this.#random = random;
    this.#now = now;
    this.#ringOf = ringOf;
  }

  /** See {@linkcode Issuer.issue}. */
  async issue({ app, client, request, nowSeconds, beforeGrant }: AskedBatch): Promise<SignedBatch> {
    const ring = this.#ringOf(app.id);
    const key = await ring.issuing(nowSeconds, request[2]);
    const { blindedElements } = decodeRequest(app, key, request);
    const tokens = blindedElements.length;
    await beforeGrant?.();
    const outcome = await spendQuota(this.#store, { key, client, request, tokens, now: this.#now });
    if (outcome === "key_over") {
      ring.forget();
      await this.#store.requireOver(key.alive);
      throw notIssuing("The key of this batch has ended.");
    }
    // A batch of 128 takes some 5 ms: those that were granted together must not keep logs waiting for all of them.
    await this.#turns.next();
    // All this may have taken its time. What was granted then is worth nothing, as no batch is signed under this key any
    // more; under the next one the client has a quota of its own.
    if (this.#now() >= key.issueUntil) throw notIssuing("The key of this batch has ended.");
    const evaluated = key.voprf.blindEvaluate(key, blindedElements, this.#random);
    return {
      response: encodeBatchResponse(key.voprf, evaluated),
      granted: outcome === "granted" ? tokens : 0,
    };
  }

  /** See {@linkcode Issuer.ready}. */
  async ready(app: Application, nowSeconds: number): Promise<void> {
    await this.#ringOf(app.id).issuing(nowSeconds);
  }
}

function decodeRequest(app: Application, key: SigningKey, bytes: Uint8Array): BatchRequest {
  try {
    // Another type or another key is cheapest to see, and the client has to fetch the directory either way.
    if (isForAnotherKey(key, bytes)) throw notIssuing("The batch is blinded for another key.");
    const request = decodeBatchRequest(key.voprf, bytes, app.maxBatch);
    // Elements are checked before the quota is touched: a refused request writes nothing.
    for (const element of request.blindedElements) key.voprf.checkElement(element);
    return request;
  } catch (error) {
    if (error instanceof DecodeError || error instanceof VoprfError) {
      throw new Refusal("batch_invalid", `${error.message}.`);
    }
    throw error;
  }
}

/** Whether a request names another type or key in its header; one that ends inside the header names none. */
function isForAnotherKey(key: SigningKey, [high, low, truncatedId]: Uint8Array): boolean {
  if (high === undefined || low === undefined || truncatedId === undefined) return false;
  return (high << 8 | low) !== key.voprf.tokenType || truncatedId !== key.truncatedId;
}

function notIssuing(message: string): Refusal {
  return new Refusal("key_not_issuing", `${message} Fetch the directory and blind again.`);
}
