/**
 * What a client stores: every key and the shape of every value, in one place.
 *
 * @module
 */
import type { WireValue } from "../core/telemetry/schema.ts";
import type { Entries } from "./storage.ts";

/** The secret behind the pseudonym and the sampling: base64url of 32 bytes. */
export const DEVICE = "device";
/** The directory that is in use. */
export const DIRECTORY = "directory";
/** The schema that is in use. */
export const SCHEMA = "schema";
/** A token request that is on its way. */
export const PENDING = "pending";
/** Until when no token is asked for. */
export const TOKENS_BLOCKED = "tokens-blocked";
/** Tokens, by nonce. */
export const TOKENS = "token/";
/** Logged events that wait, in order. */
export const EVENTS = "event/";
/** Requests that are bound to a use of a token, in order. */
export const REQUESTS = "request/";
/** The last number that was given to an event or a request. */
const SEQUENCE = "sequence";

/** The directory as it was fetched. */
export interface DirectoryRecord {
  /** The document's text. */
  readonly text: string;
  /** Unix milliseconds of the device, for both. */
  readonly fetchedAt: number;
  readonly freshUntil: number;
  /** Milliseconds that the service's clock is ahead. */
  readonly clockOffset: number;
  /** The key id that was seen for `region/epoch/generation`, and until when that matters (Unix seconds). */
  readonly seen: Readonly<Record<string, { readonly id: string; readonly until: number }>>;
}

/** The schema as it was fetched. */
export interface SchemaRecord {
  /** The document's text. */
  readonly text: string;
  /** Unix milliseconds of the device, for both. */
  readonly fetchedAt: number;
  readonly freshUntil: number;
}

/** When something is tried again. */
export interface Retry {
  /** Tries without a usable answer, for the backoff. */
  readonly failures: number;
  /** Unix milliseconds of the device before which there is no other try. */
  readonly retryAt: number;
  /** Whether the service itself asked to wait until then. */
  readonly asked: boolean;
}

/** Until when a key gives this client no token. */
export interface BlockRecord {
  readonly keyId: string;
  /** Unix milliseconds of the device. */
  readonly until: number;
}

/** A token request, stored before it is sent. Bytes are base64url. */
export interface PendingRecord extends Retry {
  readonly keyId: string;
  readonly publicKey: string;
  readonly region: string;
  readonly epoch: number;
  readonly generation: number;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly issueUntil: number;
  readonly redeemUntil: number;
  /** Uses that each token will have. */
  readonly uses: number;
  readonly nonces: readonly string[];
  readonly blinds: readonly string[];
  readonly blindedElements: readonly string[];
  /** SHA-256 of the token challenge. */
  readonly challengeDigest: string;
  /** The bytes to send. */
  readonly request: string;
  /** Answers that did not verify. */
  readonly unverified: number;
}

/** A token and what is left of it. Bytes are base64url. */
export interface TokenRecord {
  readonly keyId: string;
  readonly region: string;
  readonly epoch: number;
  readonly generation: number;
  readonly nonce: string;
  readonly macKey: string;
  /** Uses that are left, in the random order in which they are spent (last first). */
  readonly uses: readonly number[];
  /** The pseudonym that it serves; undefined while it is unused. */
  readonly pseudonym?: string;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly redeemUntil: number;
  /** How many of its uses were already taken, one after the other. */
  readonly taken: number;
}

/** A logged event that waits. */
export interface EventRecord {
  readonly name: string;
  /** Unix seconds, floored. */
  readonly at: number;
  /** The values as the app gave them, or as they go out once `encoded`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether measurements are bucketed and values randomised already. */
  readonly encoded: boolean;
}

/** An event as it goes out. */
export interface EncodedEvent extends EventRecord {
  readonly fields: Readonly<Record<string, WireValue>>;
  readonly encoded: true;
}

/** A final request: from its first send on only these bytes are sent. Bytes are base64url. */
export interface RequestRecord extends Retry {
  readonly keyId: string;
  readonly nonce: string;
  readonly use: number;
  readonly mac: string;
  readonly contentEncoding: "" | "gzip";
  readonly body: string;
  /** Empty where the application collects none. */
  readonly pseudonym: string;
  readonly events: readonly EncodedEvent[];
  /** Unix seconds. */
  readonly redeemUntil: number;
  /** A send began and its answer is not known yet (or never will be: the process ended). */
  readonly inFlight: boolean;
  /** An earlier send has an unknown outcome. */
  readonly uncertain: boolean;
  /** How often it moved to another use or token. */
  readonly moves: number;
}

/** Reads an entry; one that does not parse counts as lost. */
export function readRecord<T>(entries: Entries, key: string): T | undefined {
  const text = entries.get(key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    entries.delete(key);
    return undefined;
  }
}

/** Writes an entry. */
export function writeRecord<T>(entries: Entries, key: string, record: T): void {
  entries.set(key, JSON.stringify(record));
}

/** All entries of a family that parse, in order. */
export function readRecords<T>(entries: Entries, prefix: string): { key: string; record: T }[] {
  const records: { key: string; record: T }[] = [];
  for (const key of entries.keys(prefix)) {
    const record = readRecord<T>(entries, key);
    if (record !== undefined) records.push({ key, record });
  }
  return records;
}

/** The next key of a family, in order of time. */
export function nextKey(entries: Entries, prefix: string): string {
  const next = Number(entries.get(SEQUENCE) ?? 0) + 1;
  entries.set(SEQUENCE, String(next));
  return prefix + String(next).padStart(15, "0");
}
