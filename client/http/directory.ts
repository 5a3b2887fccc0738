/**
 * The directory of an application's keys, read strictly (docs/protocol.md, section 7).
 *
 * @module
 */
import { DecodeError, fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import type { LinkedKey } from "../../core/token/key_chain.ts";
import { tokenKeyId } from "../../core/token/token.ts";
import { plainEndpoint } from "./endpoint.ts";

/** A published key. Times are Unix seconds. */
export interface DirectoryKey extends LinkedKey {
  /** SHA-256 of the public key, base64url. */
  readonly keyId: string;
}

/** A directory that was read. */
export interface Directory {
  /** The issuer that every token is bound to. */
  readonly issuer: string;
  /** The region that answered: of the keys, only its own issue there. */
  readonly region: string;
  /** Where tokens are issued, as an origin; undefined: where this directory is. */
  readonly issuingEndpoint: string | undefined;
  /** Where logs go, as an origin; undefined: where this directory is. */
  readonly loggingEndpoint: string | undefined;
  /** Seconds in which a key issues: epochs of that length are counted from 1970. */
  readonly epochSeconds: number;
  /** Uses that one token has. */
  readonly usesPerToken: number;
  /** Most tokens of one request. */
  readonly maxBatch: number;
  /** Most tokens of one client and key. */
  readonly tokensPerClient: number;
  /** The keys, as published. */
  readonly keys: readonly DirectoryKey[];
}

/** Longest epoch in seconds. */
const MAX_EPOCH_SECONDS = 30 * 86_400;
/** Most keys of a directory, of all regions (calendar.ts). */
const MAX_KEYS = 1024;
/** Replacements of an epoch's key that a client accepts: each more would be a way to tell clients apart. */
const MAX_GENERATION = 2;
/** Most epochs that a key may redeem beyond its own. */
const MAX_OVERLAP = 8;

/** What a region is called. */
const REGION = /^[a-z0-9-]{1,64}$/;

/** The name of a key: one name has one value, for everyone and for good. */
export function keyName({ region, epoch, generation }: DirectoryKey): string {
  return `${region}/${epoch}/${generation}`;
}

/** Whether a client uses a key at all: those after two replacements are passed over. */
function isAccepted({ generation }: DirectoryKey): boolean {
  return generation <= MAX_GENERATION;
}

/** The keys that a client may ever use of a directory: of these it remembers something, and compares them. */
export function usableKeys({ keys, region }: Directory): DirectoryKey[] {
  return keys.filter((key) => key.region === region && isAccepted(key));
}

type Members = Record<string, unknown>;

function requireThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new DecodeError(`Cannot read directory: ${what}`);
}

function integer(members: Members, name: string, least: number, most: number): number {
  const value = members[name];
  requireThat(Number.isSafeInteger(value) && value as number >= least && value as number <= most, name);
  return value as number;
}

function text(members: Members, name: string, pattern: RegExp): string {
  const value = members[name];
  requireThat(typeof value === "string" && pattern.test(value), name);
  return value;
}

/** An origin and nothing more: a path of its own would be one more way to mark a client. */
function origin(members: Members, name: string): string | undefined {
  const value = members[name];
  if (value === undefined) return undefined;
  requireThat(typeof value === "string" && new URL(plainEndpoint(value)).origin === value, name);
  return value;
}

/**
 * Reads a directory.
 * @throws {DecodeError} If it is another application's, a member is missing or out of its range, a key has other dates
 * than its epoch, its id is not its hash, one name has two keys or one key two names.
 */
export function parseDirectory(source: string, app: string): Directory {
  const document = JSON.parse(source) as Members;
  requireThat(document.app === app, "app");
  const epochSeconds = integer(document, "epoch-seconds", 1, MAX_EPOCH_SECONDS);
  const list = document["token-keys"];
  requireThat(Array.isArray(list) && list.length <= MAX_KEYS, "token-keys");
  const keys = (list as Members[]).map((entry) => parseKey(entry, epochSeconds));
  const distinct = (of: (key: DirectoryKey) => string) => new Set(keys.map(of)).size === keys.length;
  requireThat(distinct(keyName) && distinct((key) => key.keyId), "a name or a key of its own");
  return {
    issuer: text(document, "issuer", /^.{1,253}$/),
    region: text(document, "region", REGION),
    issuingEndpoint: origin(document, "issuing-endpoint"),
    loggingEndpoint: origin(document, "logging-endpoint"),
    epochSeconds,
    usesPerToken: integer(document, "uses-per-token", 1, 1024),
    maxBatch: integer(document, "max-batch", 1, 256),
    tokensPerClient: integer(document, "tokens-per-client", 1, 1024),
    keys,
  };
}

function parseKey(entry: Members, epochSeconds: number): DirectoryKey {
  const publicKey = text(entry, "token-key", /^.{1,128}$/);
  const keyId = text(entry, "token-key-id", /^.{43}$/);
  requireThat(keyId === toBase64url(tokenKeyId(fromBase64url(publicKey))), "token-key-id");
  const epoch = integer(entry, "epoch", 0, 2 ** 40);
  const start = epoch * epochSeconds;
  const end = start + epochSeconds;
  const redeemUntil = integer(entry, "redeem-until", end, end + MAX_OVERLAP * epochSeconds);
  requireThat((redeemUntil - end) % epochSeconds === 0, "redeem-until");
  return {
    tokenType: integer(entry, "token-type", 0, 0xffff),
    publicKey,
    keyId,
    region: text(entry, "region", REGION),
    epoch,
    generation: integer(entry, "generation", 0, 2 ** 31),
    // The epoch's own and no others: every second that a service may choose tells its clients apart.
    notBefore: integer(entry, "not-before", start, start),
    issueUntil: integer(entry, "issue-until", end, end),
    redeemUntil,
    ...entry.chain !== undefined && {
      number: integer(entry, "chain-number", 0, 2 ** 40),
      chain: toBase64url(fromBase64url(text(entry, "chain", /^.{43}$/))),
    },
  };
}

/**
 * The key of the epoch that `nowSeconds` lies in: the newest generation of the region that answered; undefined when there
 * is none that this client accepts.
 */
export function issuingKey(
  directory: Directory,
  tokenType: number,
  nowSeconds: number,
): DirectoryKey | undefined {
  const epoch = Math.floor(nowSeconds / directory.epochSeconds);
  return directory.keys.filter((key) =>
    key.epoch === epoch && key.region === directory.region && key.tokenType === tokenType && isAccepted(key)
  ).sort((a, b) => b.generation - a.generation)[0];
}
