/**
 * The public directory of an application's keys (docs/protocol.md, section 7): the same bytes from every instance.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url, utf8 } from "../base/bytes.ts";
import type { Application } from "../config/types.ts";
import type { KeyRow } from "./key_row.ts";
import type { Suite } from "../voprf/suite.ts";

/** What the directory says of a key. */
export type PublishedKey =
  & Pick<
    KeyRow,
    | "publicKey"
    | "region"
    | "epoch"
    | "generation"
    | "notBefore"
    | "issueUntil"
    | "redeemUntil"
  >
  & Partial<Pick<KeyRow, "usesPerToken" | "tokensPerClient" | "chain">>
  & {
    /** SHA-256 of the public key. */
    readonly keyId: Uint8Array;
    /** Its cipher suite. */
    readonly voprf: Pick<Suite, "tokenType">;
  };

/** Where clients find the two steps, as origins; what is not there is where the directory is. */
export interface Endpoints {
  /** Where tokens are issued. */
  readonly issuing?: string | undefined;
  /** Where logs are taken, and the schema is. */
  readonly logging?: string | undefined;
}

/** What a directory is made of. */
export interface DirectoryParts {
  /** What every token is bound to. */
  readonly issuer: string;
  /** The region that serves it. */
  readonly region: string;
  /** Where clients find the two steps: the same for everybody, like all of it. */
  readonly endpoints?: Endpoints | undefined;
  /** The application. */
  readonly app: Application;
  /** The keys of all regions that are known. */
  readonly keys: readonly PublishedKey[];
  /** Unix seconds. */
  readonly nowSeconds: number;
}

/** A directory ready to be served. */
export interface Directory {
  /** The JSON document. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** `"b64url(SHA-256(body))"` with its quotes: clients refuse any other, so that an ETag cannot become a cookie. */
  readonly etag: string;
  /** Unix seconds of the next change that the calendar knows of. */
  readonly changesAtSeconds: number;
}

/** Makes the directory that a region serves, its keys in a fixed order. */
export function makeDirectory(
  { issuer, region, endpoints, app, keys, nowSeconds }: DirectoryParts,
): Directory {
  // A key keeps the limits that it was made with: what is promised for all of them is the least.
  const least = (limit: "usesPerToken" | "tokensPerClient") =>
    Math.min(app[limit], ...keys.map((key) => key[limit] ?? Infinity));
  const body = utf8(JSON.stringify({
    issuer,
    app: app.id,
    region,
    "issuing-endpoint": endpoints?.issuing,
    "logging-endpoint": endpoints?.logging,
    "epoch-seconds": app.epochSeconds,
    "uses-per-token": least("usesPerToken"),
    "max-batch": app.maxBatch,
    "tokens-per-client": least("tokensPerClient"),
    "token-keys": keys.toSorted(byName).map((key) => ({
      "token-type": key.voprf.tokenType,
      "token-key": toBase64url(key.publicKey),
      "token-key-id": toBase64url(key.keyId),
      region: key.region,
      epoch: key.epoch,
      generation: key.generation,
      "not-before": key.notBefore,
      "issue-until": key.issueUntil,
      "redeem-until": key.redeemUntil,
      "chain-number": key.chain?.number,
      chain: key.chain && toBase64url(key.chain.link),
    })),
  }));
  return {
    body,
    etag: `"${toBase64url(sha256(body))}"`,
    // Keys appear and vanish at epoch boundaries only.
    changesAtSeconds: (Math.floor(nowSeconds / app.epochSeconds) + 1) * app.epochSeconds,
  };
}

function byName(a: PublishedKey, b: PublishedKey): number {
  return a.epoch - b.epoch || a.generation - b.generation ||
    (a.region < b.region ? -1 : a.region > b.region ? 1 : 0);
}

/** Seconds until the next change plus up to a tenth of an epoch (at most an hour), so that a fleet does not come back in the same second. */
export function directoryMaxAge(
  directory: Directory,
  app: Application,
  nowSeconds: number,
  jitter: number,
): number {
  const spread = Math.min(3_600, app.epochSeconds / 10);
  return Math.max(1, Math.ceil(directory.changesAtSeconds - nowSeconds + jitter * spread));
}
