/**
 * What a client stores: every key and the shape of every value, in one place. Bytes are base64url.
 *
 * @module
 */
import type { WireValue } from "../../core/schema/fields/field_type.ts";
import type { LinkedKey } from "../../core/token/key_chain.ts";
import type { DropReason } from "../base/codes.ts";
import type { Entries } from "./storage.ts";

/** The secret behind the pseudonym and the sampling: 32 bytes. */
export const DEVICE = "device";
/** The user opted out: then this is the only entry. */
export const OPTED_OUT = "opted-out";
/** The directory that is in use, a {@linkcode DocumentRecord}. */
export const DIRECTORY = "directory";
/** The schema that is in use, a {@linkcode DocumentRecord}. */
export const SCHEMA = "schema";
/** When a document is asked for again after it could not be had, a {@linkcode Retry} behind the document's own key. */
export const WAIT = "wait/";
/** The keys that were seen, {@linkcode SeenKeys}. */
export const SEEN = "seen";
/** The keys of the last directory and of its chains, {@linkcode SeenChains}. */
export const CHAINS = "chains";
/** Two keys whose chains contradict each other: the one that was known and the one that was shown. */
export const FORK = "fork";
/**
 * "1" once a log was accepted, or other keys were forgiven: from then on the keys that were seen are the ones that others
 * have to equal. "0" before; clients of before 0.2.0 stored none.
 */
export const ACCEPTED = "accepted";
/** What is believed of the service's clock, a {@linkcode Belief}. */
export const CLOCK = "clock";
/** Unix seconds in which the latest period begins in which a log was bound: no later one is bound in an earlier. */
export const PERIOD = "period";
/** How far journals were taken into the queue, {@linkcode JournalMarks}. */
export const JOURNALS = "journals";
/** A token request that is on its way. */
export const PENDING = "pending";
/** From and until when nothing leaves at a page's end, since tokens were issued (Unix milliseconds of the device). */
export const QUIET = "quiet";
/** Tokens, by nonce. */
export const TOKENS = "token/";
/** Logged events that wait, in order. */
export const EVENTS = "event/";
/** What was reported about fields under local differential privacy: a list of {@linkcode ReportRecord}. */
export const REPORTS = "reports";
/** Requests that are bound to a use of a token, in order. */
export const REQUESTS = "request/";
/** The last number that was given to an event or a request. */
const SEQUENCE = "sequence";

/** A public document as it was fetched. Times are Unix milliseconds of the device. */
export interface DocumentRecord {
  readonly text: string;
  readonly fetchedAt: number;
  readonly freshUntil: number;
  /** Whose it is, where it is not for everybody: it is used for nobody else. */
  readonly owner?: string | undefined;
}

/** What was seen under the name of a key. */
export interface SeenKey {
  /** A digest of all that is published of it (clients of before stored the key's id); of the endpoints, where they lead. */
  readonly id: string;
  /** The end of redemption, or of its memory (Unix seconds): until then it matters. */
  readonly until: number;
}

/** What was seen, by name. */
export type SeenKeys = Readonly<Record<string, SeenKey>>;

/** A key that was shown, and until when that matters (Unix seconds). */
export interface SeenLink extends LinkedKey {
  readonly until: number;
}

/** The keys that were shown last, and the newest of each chain. */
export interface SeenChains {
  readonly keys: readonly SeenLink[];
  /** The pin against which they were held. */
  readonly pin?: string | undefined;
  /** Behind the pin, the newest key of each region that has begun: the chain leads on from it, for good. */
  readonly held?: readonly LinkedKey[] | undefined;
}

/** By the name of who wrote a journal, the number of the last text that was taken, and when (Unix milliseconds). */
export type JournalMarks = Readonly<Record<string, readonly [number: number, at: number]>>;

/** When something is tried again. */
export interface Retry {
  /** Tries without a usable answer, for the backoff. */
  readonly failures: number;
  /** When the last try failed, in Unix milliseconds of the device. */
  readonly failedAt: number;
  /** Unix milliseconds of the device before which there is no other try. */
  readonly retryAt: number;
  /** Whether the service itself asked to wait until then. */
  readonly asked: boolean;
}

/** A key's id and its life in Unix seconds. */
export interface KeyLife {
  readonly keyId: string;
  readonly notBefore: number;
  readonly redeemUntil: number;
}

/** A token request, stored before it is sent: its bytes follow from the key and the blinded elements. */
export interface PendingRecord extends KeyLife, Retry {
  readonly publicKey: string;
  /** Uses that each token will have. */
  readonly uses: number;
  readonly nonces: readonly string[];
  /** The pseudonym that the tokens will serve, empty where none is collected. Clients of before stored none. */
  readonly pseudonym?: string;
  /** Stands for the account whose session it was sent with; empty before it is. Clients of before stored none. */
  readonly account?: string;
  /** What binds each nonce to the pseudonym; absent where there is none. */
  readonly bindings?: readonly string[] | undefined;
  readonly blinds: readonly string[];
  readonly blindedElements: readonly string[];
  /** SHA-256 of the token challenge. */
  readonly challengeDigest: string;
}

/** A token and what is left of it. */
export interface TokenRecord extends KeyLife {
  readonly nonce: string;
  readonly macKey: string;
  /** Uses that are left, in the random order in which they are spent (last first). */
  readonly uses: readonly number[];
  /** The pseudonym that it serves, empty where none is collected. Clients of before stored none with an unused token. */
  readonly pseudonym?: string | undefined;
  /** What binds its nonce to the pseudonym; absent where there is none, and in what clients of before stored. */
  readonly binding?: string | undefined;
  /** The service refused it: until then (Unix milliseconds of the device) it is not tried again. */
  readonly restUntil?: number | undefined;
}

/** Where an event left that was not taken. */
export interface Departure {
  /** The only pseudonym under which it ever leaves; empty where none is collected. */
  readonly pseudonym: string;
  /** The nonces of the tokens that signed it. */
  readonly tokens: readonly string[];
  /** Why it was not taken. */
  readonly code: DropReason;
  /** How often it was refused with a token; clients of before stored none. */
  readonly refusals?: number;
}

/** A logged event that waits. */
export interface EventRecord {
  readonly name: string;
  /** Unix seconds by the device's clock, floored once `encoded`. */
  readonly at: number;
  /** The values as the app gave them, or as they go out once `encoded`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether the time is floored and measurements are bucketed already. */
  readonly encoded: boolean;
  /**
   * The values, as the app gave them, that are randomised when the event is bound to a pseudonym; absent while it is not
   * known which those are.
   */
  readonly logged?: Readonly<Record<string, unknown>>;
  /** Its first send has begun, and it waits again. */
  readonly left?: Departure | undefined;
}

/** An event as it goes out, but for its reports until it is bound. */
export interface EncodedEvent extends EventRecord {
  readonly fields: Readonly<Record<string, WireValue>>;
  readonly logged: Readonly<Record<string, unknown>>;
  /** Whether it goes out without its time; clients of before stored none. */
  readonly undated?: boolean;
}

/** What was reported about one field in one period of the pseudonym. */
export interface ReportRecord {
  /** `event.field`. */
  readonly field: string;
  /** The period's first second and the one after its last (Unix). */
  readonly from: number;
  readonly until: number;
  /** Stands for the pseudonym and the field's definition. */
  readonly mark: string;
  /** The reports by the index of the value. */
  readonly reports: Record<number, number>;
}

/** What a request was bound from that is ready for the end of a page. */
export interface Ready {
  /** The client whose page it is. */
  readonly owner: string;
  /** The entries that it replaced, as they were. */
  readonly sources: readonly (readonly [key: string, text: string])[];
  /** The token, which may have had no other use. */
  readonly token: TokenRecord;
}

/** A final request: from its first send on only these bytes are sent. */
export interface RequestRecord extends Retry {
  readonly keyId: string;
  readonly nonce: string;
  readonly use: number;
  readonly mac: string;
  readonly contentEncoding: "" | "gzip";
  readonly body: string;
  /** Empty where the application collects none. */
  readonly pseudonym: string;
  /** What binds the token's nonce to the pseudonym; absent as it is in a {@linkcode TokenRecord}. */
  readonly binding?: string | undefined;
  readonly events: readonly EncodedEvent[];
  /** Unix seconds. */
  readonly redeemUntil: number;
  /** A send began and its answer is not known yet (or never will be: the process ended). */
  readonly inFlight: boolean;
  /** An earlier send has an unknown outcome. */
  readonly uncertain: boolean;
  /** How often it moved to another use of its token. */
  readonly moves: number;
  /** It was bound so that it can leave as a page ends: nobody but that page knows that it has not. */
  readonly ready?: Ready | undefined;
  /** When it was first sent under a pseudonym that was over, in Unix milliseconds of the device. */
  readonly lateAt?: number | undefined;
}

/** Reads an entry; one that does not parse counts as lost. */
export function read<T>(entries: Entries, key: string): T | undefined {
  const text = entries.get(key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** Writes an entry. */
export function write<T>(entries: Entries, key: string, record: T): void {
  entries.set(key, JSON.stringify(record));
}

/** All entries of a family that parse, in order. */
export function readAll<T>(entries: Entries, prefix: string): { key: string; record: T }[] {
  return entries.keys(prefix).flatMap((key) => {
    const record = read<T>(entries, key);
    return record === undefined ? [] : [{ key, record }];
  });
}

/** Adds an entry to a family, behind all others; its key. */
export function append<T>(entries: Entries, prefix: string, record: T): string {
  const next = (read<number>(entries, SEQUENCE) ?? 0) + 1;
  write(entries, SEQUENCE, next);
  const key = prefix + String(next).padStart(12, "0");
  write(entries, key, record);
  return key;
}
