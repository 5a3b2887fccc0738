/**
 * The rows of what clients were granted, and of keys of an ACS elsewhere.
 *
 * @module
 */
import { concat, u32 } from "../base/bytes.ts";
import { type Family, family } from "../store/families.ts";
import type { Key, Range } from "../store/port.ts";

/** What clients were granted, by u32 ordinal of the key | 16-byte tag of the client: QuotaRow. */
export const QUOTAS: Family<[id: Uint8Array]> = family("q", "quotas");
/** On a log server: keys of an ACS elsewhere, under which uses are stored: RemoteKeyRow. */
export const REMOTE_KEYS: Family<[app: string, keyId: Uint8Array]> = family("b", "keys of an ACS elsewhere");

/** On a log server: the id of its store, base64url of 16 bytes. */
export const STORE_IDS: Family<[]> = family("si", "ids of the store");
/** The store of the log servers that an application belongs to: StorePinRow. */
export const STORE_PINS: Family<[app: string]> = family("sp", "stores of log servers");

/** Where it stands what a client (16-byte tag) was granted under a key. */
export function quotaKey(ordinal: number, tag: Uint8Array): Key {
  return QUOTAS.key(concat(u32(ordinal), tag));
}

/** All quota rows of a key. */
export function quotasOf(ordinal: number): Range {
  return QUOTAS.beginning(u32(ordinal));
}
