/**
 * The quota: how many tokens a client has been granted under one key, and which requests it was granted them for, so
 * that the same bytes sent again cost nothing (docs/protocol.md, section 4).
 *
 * @module
 */
import { equalPublic } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import type { SigningKey } from "../keys/key_ring.ts";
import { quotaKey } from "./families.ts";
import type { Store } from "../store/store.ts";
import { type ClientIdentity, clientTag, requestDigest } from "./client_tag.ts";

/** Times an hour that the same bytes may be sent again under a key. */
const MAX_REPEATS_PER_HOUR = 8;

/** What the store keeps of a client's grants under one key. */
interface QuotaRow {
  /** Tokens granted. */
  readonly granted: number;
  /** The requests that were granted, and how often each was repeated in which hour since 1970. */
  readonly requests: readonly { digest: Uint8Array; hour: number; repeats: number }[];
  /** Unix seconds of the key's end: the row goes with it. */
  readonly exp: number;
}

/** Tokens that a client asks for. */
export interface QuotaRequest {
  /** The key that is to sign them. */
  readonly key: SigningKey;
  /** Who asks. */
  readonly client: ClientIdentity;
  /** The request's bytes, by which it is known when it is sent again. */
  readonly request: Uint8Array;
  /** How many tokens it asks for. */
  readonly tokens: number;
  /** Unix seconds, whole: asked as the grant is written, since a store may take its time before. */
  readonly now: () => number;
}

/** What came of it: granted now, granted before to the same bytes, or nothing, because the key issues no more. */
export type QuotaOutcome = "granted" | "repeated" | "key_over";

/**
 * Commits a client's quota, before anything is evaluated.
 * @throws {Refusal} `quota_exhausted`, `store_unavailable`.
 */
export async function spendQuota(store: Store, asked: QuotaRequest): Promise<QuotaOutcome> {
  const { key } = asked;
  const tag = clientTag(key.pepper, asked.client);
  const digest = requestDigest(key.pepper, tag, asked.request);
  const spent = await store.update<QuotaRow, QuotaOutcome>(quotaKey(key.ordinal, tag), async (
    entry,
    commit,
    overtaken,
  ) => {
    // Somebody was faster, or the key has ended meanwhile.
    if (overtaken !== undefined && (await store.get(key.alive.key)).stamp !== key.alive.stamp) {
      return "key_over";
    }
    const nowSeconds = asked.now();
    if (nowSeconds >= key.issueUntil) return "key_over";
    const row = entry.value ?? { granted: 0, requests: [], exp: key.redeemUntil };
    const isRepeated = row.requests.some((granted) => equalPublic(granted.digest, digest));
    const next = isRepeated ? repeat(row, digest, nowSeconds) : grant(row, digest, { ...asked, nowSeconds });
    commit.check(key.alive).set(entry.key, next);
    return isRepeated ? "repeated" : "granted";
  });
  return spent.result;
}

interface Grant extends Pick<QuotaRequest, "key" | "tokens"> {
  readonly nowSeconds: number;
}

function grant(row: QuotaRow, digest: Uint8Array, { key, tokens, nowSeconds }: Grant): QuotaRow {
  if (row.granted + tokens > key.tokensPerClient) {
    throw new Refusal(
      "quota_exhausted",
      "This batch exceeds what is left of the client's tokens under this key.",
      { retryAfterSeconds: Math.max(1, key.issueUntil - nowSeconds) },
    );
  }
  return {
    ...row,
    granted: row.granted + tokens,
    requests: [...row.requests, { digest, hour: hoursSince1970(nowSeconds), repeats: 0 }],
  };
}

function repeat(row: QuotaRow, digest: Uint8Array, nowSeconds: number): QuotaRow {
  const hour = hoursSince1970(nowSeconds);
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

function hoursSince1970(nowSeconds: number): number {
  return Math.floor(nowSeconds / 3_600);
}
