/**
 * Issuance: a client and a batch come in, the quota is committed, evaluations and one proof go out
 * (docs/protocol.md, section 4).
 *
 * @module
 */
import { DecodeError, equalPublic } from "../base/bytes.ts";
import { type ClientIdentity, clientTag, requestDigest } from "./client_tag.ts";
import type { Application } from "../config/types.ts";
import { Refusal } from "../base/errors.ts";
import type { KeyRing, SigningKey } from "../keys/key_ring.ts";
import { quotaKey } from "./families.ts";
import { ALIVE_KEYS } from "../keys/families.ts";
import { StoreUnavailable } from "../store/breaker.ts";
import type { Store } from "../store/store.ts";
import { type BatchRequest, decodeBatchRequest, encodeBatchResponse } from "../token/batch.ts";
import type { RandomSource } from "../base/random.ts";
import { VoprfError } from "../voprf/suite.ts";

/** Times an hour that the same bytes may be sent again under a key. */
export const MAX_REPEATS_PER_HOUR = 8;
// Commits of one client's row that may be overtaken: each one that overtakes spends quota or a repeat, so there are few.
const MAX_OVERTAKEN = 64;

/** What the store keeps of a client's grants under one key. */
interface QuotaRow {
  /** Tokens granted. */
  readonly granted: number;
  /** The requests that were granted, and how often each was repeated in which hour. */
  readonly requests: readonly { digest: Uint8Array; hour: number; repeats: number }[];
  /** Unix seconds of the key's end: the row goes with it. */
  readonly exp: number;
}

/** What issuance works with. */
export interface IssuanceContext {
  /** The store. */
  readonly store: Store;
  /** For proofs. */
  readonly random: RandomSource;
}

/** Issues tokens: with the keys of this process, or at an ACS elsewhere. */
export interface Issuer {
  /**
   * Signs a batch for a client; gives the encoded batch response.
   * @throws {Refusal} `batch_invalid`, `key_not_issuing`, `quota_exhausted`, `store_unavailable`.
   */
  issue(
    app: Application,
    client: ClientIdentity,
    request: Uint8Array<ArrayBuffer>,
    nowSeconds: number,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Resolves when tokens could be issued now.
   * @throws {Refusal} `store_unavailable`.
   */
  ready(app: Application, nowSeconds: number): Promise<void>;
}

/** Issuance with the keys of this process. */
export class LocalIssuer implements Issuer {
  /** Issues with the keys that `ringOf` gives; `onIssued` hears of tokens that were not issued before. */
  constructor(
    private readonly context: IssuanceContext,
    private readonly ringOf: (app: string) => KeyRing,
    private readonly onIssued: (app: string, tokens: number) => void = () => {},
  ) {}

  /** See {@linkcode Issuer.issue}. */
  async issue(
    app: Application,
    client: ClientIdentity,
    request: Uint8Array<ArrayBuffer>,
    nowSeconds: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const ring = this.ringOf(app.id);
    const batch = await issueBatch(this.context, app, ring, client, request, nowSeconds);
    if (!batch.repeated) this.onIssued(app.id, batch.tokens);
    return batch.response;
  }

  /** See {@linkcode Issuer.ready}. */
  async ready(app: Application, nowSeconds: number): Promise<void> {
    await this.ringOf(app.id).issuing(nowSeconds);
  }
}

/** A batch that was signed. */
export interface IssuedBatch {
  /** The encoded batch response. */
  readonly response: Uint8Array<ArrayBuffer>;
  /** Tokens in it. */
  readonly tokens: number;
  /** Whether the same bytes had been granted before. */
  readonly repeated: boolean;
}

/**
 * Signs a batch for a client.
 * @throws {Refusal} `batch_invalid`, `key_not_issuing`, `quota_exhausted`, `store_unavailable`.
 */
export async function issueBatch(
  context: IssuanceContext,
  app: Application,
  ring: KeyRing,
  client: ClientIdentity,
  requestBytes: Uint8Array,
  nowSeconds: number,
): Promise<IssuedBatch> {
  const key = await ring.issuing(nowSeconds, requestBytes[2]);
  const request = decodeRequest(app, key, requestBytes);
  const repeated = await commitQuota(context.store, ring, key, client, requestBytes, request, nowSeconds);
  const evaluated = key.voprf.blindEvaluate(key, request.blindedElements, context.random);
  return {
    response: encodeBatchResponse(key.voprf, evaluated),
    tokens: request.blindedElements.length,
    repeated,
  };
}

function decodeRequest(app: Application, key: SigningKey, bytes: Uint8Array): BatchRequest {
  let request: BatchRequest;
  try {
    // Another type or another key is cheapest to see, and the client has to fetch the directory either way.
    if (bytes.length >= 3 && !isForKey(key, bytes)) throw notIssuing("The batch is blinded for another key.");
    request = decodeBatchRequest(key.voprf, bytes, app.maxBatch);
    // Elements are checked before the quota is touched: a refused request writes nothing.
    for (const element of request.blindedElements) key.voprf.checkElement(element);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof VoprfError) {
      throw new Refusal("batch_invalid", `${error.message}.`);
    }
    throw error;
  }
  return request;
}

function isForKey(key: SigningKey, bytes: Uint8Array): boolean {
  return (bytes[0]! << 8 | bytes[1]!) === key.voprf.tokenType && bytes[2] === key.truncatedId;
}

function notIssuing(message: string): Refusal {
  return new Refusal("key_not_issuing", `${message} Fetch the directory and blind again.`);
}

/** Commits the quota before anything is evaluated. Gives whether the same bytes had been granted before. */
async function commitQuota(
  store: Store,
  ring: KeyRing,
  key: SigningKey,
  client: ClientIdentity,
  requestBytes: Uint8Array,
  request: BatchRequest,
  nowSeconds: number,
): Promise<boolean> {
  const tag = clientTag(key.pepper, client);
  const digest = requestDigest(key.pepper, tag, requestBytes);
  for (let overtaken = 0; overtaken < MAX_OVERTAKEN; overtaken++) {
    const entry = await store.get<QuotaRow>(quotaKey(key.ordinal, tag));
    const row = entry.value ?? { granted: 0, requests: [], exp: key.redeemUntil };
    const before = row.requests.find((granted) => equalPublic(granted.digest, digest));
    const next = before === undefined
      ? grant(row, key, digest, request.blindedElements.length, nowSeconds)
      : repeat(row, digest, nowSeconds);
    const done = await store.commit((operation) => {
      operation
        .check({ key: ALIVE_KEYS.key(key.ordinal), stamp: key.aliveStamp })
        .check(entry)
        .set(entry.key, next);
    });
    if (done !== undefined) return before !== undefined;
    const alive = await store.get(ALIVE_KEYS.key(key.ordinal));
    if (alive.stamp !== key.aliveStamp) {
      ring.forget();
      throw notIssuing("The key of this batch has ended.");
    }
  }
  throw new StoreUnavailable("failed");
}

function hourOf(nowSeconds: number): number {
  return Math.floor(nowSeconds / 3_600);
}

function grant(
  row: QuotaRow,
  key: SigningKey,
  digest: Uint8Array,
  tokens: number,
  nowSeconds: number,
): QuotaRow {
  if (row.granted + tokens > key.tokensPerClient) {
    throw new Refusal(
      "quota_exhausted",
      "This batch exceeds what is left of the client's tokens under this key.",
      {
        retryAfterSeconds: Math.max(1, key.issueUntil - nowSeconds),
      },
    );
  }
  return {
    ...row,
    granted: row.granted + tokens,
    requests: [...row.requests, { digest, hour: hourOf(nowSeconds), repeats: 0 }],
  };
}

function repeat(row: QuotaRow, digest: Uint8Array, nowSeconds: number): QuotaRow {
  const hour = hourOf(nowSeconds);
  return {
    ...row,
    requests: row.requests.map((request) => {
      if (!equalPublic(request.digest, digest)) return request;
      const repeats = request.hour === hour ? request.repeats + 1 : 1;
      if (repeats > MAX_REPEATS_PER_HOUR) {
        throw new Refusal("quota_exhausted", "These bytes were sent too often within the hour.", {
          retryAfterSeconds: (hour + 1) * 3_600 - nowSeconds,
        });
      }
      return { ...request, hour, repeats };
    }),
  };
}
