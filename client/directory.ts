/**
 * The directory of an application's keys, read strictly (docs/protocol.md, section 7).
 *
 * @module
 */
import { DecodeError, equalPublic, fromBase64url, toBase64url } from "../core/bytes.ts";
import { tokenKeyId } from "../core/token/token.ts";

/** A published key. Times are Unix seconds. */
export interface DirectoryKey {
  /** The Privacy Pass token type. */
  readonly tokenType: number;
  /** The serialized public key. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the public key, base64url. */
  readonly keyId: string;
  /** The region that owns the key. */
  readonly region: string;
  /** The epoch that it issues in. */
  readonly epoch: number;
  /** 0, or how often the epoch's key was replaced. */
  readonly generation: number;
  /** When it starts to issue. */
  readonly notBefore: number;
  /** When it stops issuing. */
  readonly issueUntil: number;
  /** When it stops redeeming. */
  readonly redeemUntil: number;
}

/** A directory that was read. */
export interface Directory {
  /** The issuer that every token is bound to. */
  readonly issuer: string;
  /** The application's id. */
  readonly app: string;
  /** Uses that one token has. */
  readonly usesPerToken: number;
  /** Most tokens of one request. */
  readonly maxBatch: number;
  /** Most tokens of one client and key. */
  readonly tokensPerClient: number;
  /** The keys, as published. */
  readonly keys: readonly DirectoryKey[];
}

/** Most bytes of a directory. */
export const MAX_DIRECTORY_BYTES = 128 * 1024;
/** Most keys of a directory. */
const MAX_KEYS = 256;
/** Replacements of an epoch's key that a client accepts: each more would be a way to tell clients apart. */
export const MAX_GENERATION = 2;
/** Most epochs that a key may redeem beyond its own. */
const MAX_OVERLAP = 8;

/** The name of a key: one name has one value, for everyone and for good. */
export function keyName(key: Pick<DirectoryKey, "region" | "epoch" | "generation">): string {
  return `${key.region}/${key.epoch}/${key.generation}`;
}

/**
 * Reads a directory.
 * @throws {DecodeError} If a member is missing or out of its range, a key id is not the hash of its key, or one name
 * stands twice.
 */
export function parseDirectory(text: string, app: string): Directory {
  const document = requireObject(parseJson(text), "the document");
  if (document.app !== app) throw new DecodeError("Cannot read directory: it is another application's");
  const epochSeconds = requireInteger(document, "epoch-seconds", 1, 366 * 86_400);
  const list = document["token-keys"];
  if (!Array.isArray(list) || list.length > MAX_KEYS) {
    throw new DecodeError(`Cannot read directory: token-keys is not a list of at most ${MAX_KEYS}`);
  }
  const keys = list.map((entry) => parseKey(requireObject(entry, "a key"), epochSeconds));
  if (new Set(keys.map(keyName)).size !== keys.length) {
    throw new DecodeError("Cannot read directory: two keys have one name");
  }
  if (new Set(keys.map((key) => key.keyId)).size !== keys.length) {
    throw new DecodeError("Cannot read directory: one key has two names");
  }
  return {
    issuer: requireText(document, "issuer", 253),
    app,
    usesPerToken: requireInteger(document, "uses-per-token", 1, 1024),
    maxBatch: requireInteger(document, "max-batch", 1, 256),
    tokensPerClient: requireInteger(document, "tokens-per-client", 1, 1024),
    keys,
  };
}

function parseKey(entry: Record<string, unknown>, epochSeconds: number): DirectoryKey {
  const publicKey = fromBase64url(requireText(entry, "token-key", 128));
  const keyId = fromBase64url(requireText(entry, "token-key-id", 43), 32);
  if (!equalPublic(keyId, tokenKeyId(publicKey))) {
    throw new DecodeError("Cannot read directory: a key id is not the hash of its key");
  }
  const region = requireText(entry, "region", 64);
  if (!/^[a-z0-9-]+$/.test(region)) {
    throw new DecodeError("Cannot read directory: a region has no valid name");
  }
  const epoch = requireInteger(entry, "epoch", 0, 2 ** 40);
  const start = epoch * epochSeconds;
  const end = start + epochSeconds;
  // A key issues inside its own epoch only: else one moment could have a key for every client.
  const notBefore = requireInteger(entry, "not-before", start, end);
  const issueUntil = requireInteger(entry, "issue-until", notBefore, end);
  return {
    tokenType: requireInteger(entry, "token-type", 0, 0xffff),
    publicKey,
    keyId: toBase64url(keyId),
    region,
    epoch,
    generation: requireInteger(entry, "generation", 0, 2 ** 31),
    notBefore,
    issueUntil,
    redeemUntil: requireInteger(entry, "redeem-until", issueUntil, end + MAX_OVERLAP * epochSeconds),
  };
}

/**
 * The key that issues at `nowSeconds`, the newest generation of the first region that the directory names; undefined
 * when there is none that this client accepts.
 */
export function issuingKey(
  directory: Directory,
  tokenType: number,
  nowSeconds: number,
): DirectoryKey | undefined {
  const issuing = directory.keys.filter((key) =>
    key.tokenType === tokenType && key.generation <= MAX_GENERATION &&
    key.notBefore <= nowSeconds && nowSeconds < key.issueUntil
  );
  return issuing.filter((key) => key.region === issuing[0]!.region)
    .sort((a, b) => b.generation - a.generation)[0];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DecodeError("Cannot read directory: it is not JSON");
  }
}

function requireObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DecodeError(`Cannot read directory: ${what} is not an object`);
  }
  return value as Record<string, unknown>;
}

function requireInteger(
  members: Record<string, unknown>,
  name: string,
  least: number,
  most: number,
): number {
  const value = members[name];
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
    throw new DecodeError(`Cannot read directory: ${name} is not a whole number in its range`);
  }
  return value as number;
}

function requireText(members: Record<string, unknown>, name: string, longest: number): string {
  const value = members[name];
  if (typeof value !== "string" || value.length === 0 || value.length > longest) {
    throw new DecodeError(`Cannot read directory: ${name} is not a text of 1 to ${longest} characters`);
  }
  return value;
}
