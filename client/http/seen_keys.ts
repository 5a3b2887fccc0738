/**
 * What a client remembers of the keys that it saw: one name has one value, for good (docs/protocol.md, section 7).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url, utf8 } from "../../core/base/bytes.ts";
import type { Report } from "../base/types.ts";
import { read, SEEN, type SeenKey, type SeenKeys, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { rememberedUntil } from "./calendar.ts";
import { type Directory, keyName, usableKeys } from "./directory.ts";

/** Most names that are remembered: many times as many as the calendar has room for, in less than 128 KiB. */
const MAX_SEEN = 512;
/** The name under which the last endpoints are remembered; no key is called so. */
const ENDPOINTS = "endpoints";

/** A directory to compare with the keys that were seen before. */
export interface Comparison {
  readonly directory: Directory;
  readonly nowSeconds: number;
  readonly report: Report;
}

/**
 * Compares with every key and endpoint seen before, and remembers the new ones; the reason to refuse, if there is one. A
 * service may move, so that other endpoints are told and not refused.
 */
export function compareSeen(
  entries: Entries,
  { directory, nowSeconds, report }: Comparison,
): "key_changed" | undefined {
  const { epochSeconds, issuer, issuingEndpoint: issuing, loggingEndpoint: logging } = directory;
  const seen = new Map<string, SeenKey>();
  /** The last one listed is the last one there. */
  const remember = (name: string, id: string, until: number) => {
    seen.delete(name);
    seen.set(name, { id, until: name === ENDPOINTS ? until : rememberedUntil(until, nowSeconds) });
  };
  for (const [name, { id, until }] of Object.entries(read<SeenKeys>(entries, SEEN) ?? {})) {
    if (nowSeconds < until) remember(name, id, until);
  }
  for (const key of usableKeys(directory)) {
    const { keyId, region, epoch, generation, redeemUntil, tokenType } = key;
    const name = keyName(key);
    const known = seen.get(name);
    const entry = [keyId, tokenType, issuer, epochSeconds, redeemUntil];
    const id = toBase64url(sha256(utf8(JSON.stringify(entry))));
    // Clients of before remembered the key's id.
    if (known !== undefined && known.id !== id && known.id !== keyId) return "key_changed";
    if (known === undefined && generation > 0) report("key_replaced", { region, epoch, generation });
    remember(name, id, redeemUntil);
  }
  const endpoints = `${issuing} ${logging}`;
  if ((seen.get(ENDPOINTS)?.id ?? endpoints) !== endpoints) report("endpoints_changed", { issuing, logging });
  remember(ENDPOINTS, endpoints, Number.MAX_SAFE_INTEGER);
  // Names without end would fill the app's storage. Those go that were listed longest ago: a service that can make others
  // up needs no known name to mark a client.
  write<SeenKeys>(entries, SEEN, Object.fromEntries([...seen].slice(-MAX_SEEN)));
  return undefined;
}
