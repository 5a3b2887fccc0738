/**
 * What a client remembers of the keys that it saw: one name has one value, for good (docs/protocol.md, section 7).
 *
 * @module
 */
import type { Report } from "../base/types.ts";
import { read, SEEN, type SeenKey, type SeenKeys, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { MAX_DISTANCE } from "./calendar.ts";
import { type Directory, isAccepted, keyName } from "./directory.ts";

/** Most names that are remembered: more than the calendar of one directory has room for. */
const MAX_SEEN = 1024;
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
  const before = Object.entries(read<SeenKeys>(entries, SEEN) ?? {});
  const seen = new Map(before.filter(([name, { until, seconds = epochSeconds }]) =>
    // What a client of before took of the far future is forgotten with what has ended.
    nowSeconds < until && !(epochOf(name) > nowSeconds / seconds + MAX_DISTANCE)
  ));
  /** The last one listed is the last one there. */
  const remember = (name: string, entry: SeenKey) => {
    seen.delete(name);
    seen.set(name, entry);
  };
  for (const key of directory.keys.filter(isAccepted)) {
    const { keyId: id, region, epoch, generation, redeemUntil: until, tokenType: type } = key;
    const name = keyName(key);
    const known = seen.get(name);
    const entry: SeenKey = { id, until, seconds: epochSeconds, type, issuer };
    if (known !== undefined && !isSame(known, entry)) return "key_changed";
    if (known === undefined && generation > 0) report("key_replaced", { region, epoch, generation });
    remember(name, entry);
  }
  const endpoints = `${issuing} ${logging}`;
  if ((seen.get(ENDPOINTS)?.id ?? endpoints) !== endpoints) report("endpoints_changed", { issuing, logging });
  remember(ENDPOINTS, { id: endpoints, until: Number.MAX_SAFE_INTEGER });
  // Names without end would fill the app's storage. Those go that were listed longest ago: a service that can make others
  // up needs no known name to mark a client.
  write<SeenKeys>(entries, SEEN, Object.fromEntries([...seen].slice(-MAX_SEEN)));
  return undefined;
}

/** NaN for what is no key's name. */
function epochOf(name: string): number {
  return Number(name.split("/")[1]);
}

/** Whether a name has the value that it had. Clients of before remembered no more than the key's id. */
function isSame(known: SeenKey, entry: SeenKey): boolean {
  return known.id === entry.id &&
    (known.seconds === undefined || JSON.stringify(known) === JSON.stringify(entry));
}
