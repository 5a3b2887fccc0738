/**
 * Whether a directory may be used: it must not show this client other keys than it showed before, or than it shows to
 * others (docs/protocol.md, section 7).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url } from "../../core/base/bytes.ts";
import type { Report } from "../base/types.ts";
import { CHAINS, DIRECTORY, read, SEEN, type SeenChains, type SeenKeys, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { type Directory, type DirectoryKey, keyName, parseDirectory } from "./directory.ts";
import { compareChains, leadsOnFromPin } from "./key_chain.ts";
import { CachedDocument, type DocumentParts } from "./document.ts";
import { askMirror, type Mirror } from "./mirror.ts";
import { type Answer, inTime } from "./network.ts";
import type { Places } from "./places.ts";

/** Most names that are remembered: those of 8 epochs of overlap and many regions. */
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
): "key_changed" | "too_many_keys" | undefined {
  const before = read<SeenKeys>(entries, SEEN) ?? {};
  const seen = new Map(Object.entries(before).filter(([, { until }]) => nowSeconds < until));
  for (const key of directory.keys) {
    const { keyId, region, epoch, generation, redeemUntil } = key;
    const name = keyName(key);
    const known = seen.get(name);
    if (known !== undefined && known.id !== keyId) return "key_changed";
    if (known === undefined && generation > 0) report("key_replaced", { region, epoch, generation });
    seen.set(name, { id: keyId, until: Math.max(known?.until ?? 0, redeemUntil) });
  }
  const { issuingEndpoint: issuing, loggingEndpoint: logging } = directory;
  const endpoints = `${issuing} ${logging}`;
  if ((seen.get(ENDPOINTS)?.id ?? endpoints) !== endpoints) report("endpoints_changed", { issuing, logging });
  seen.set(ENDPOINTS, { id: endpoints, until: Number.MAX_SAFE_INTEGER });
  // Names that never end would fill the app's storage.
  if (seen.size > MAX_SEEN) return "too_many_keys";
  write<SeenKeys>(entries, SEEN, Object.fromEntries(seen));
  return undefined;
}

/**
 * Why a directory may not be used beside what a mirror shows: a name has two values, or what else every token depends
 * on has; or the mirror lacks a key that this client could get tokens of. A key that this directory lacks is no fault.
 */
export function mirrorFault(
  directory: Directory,
  mirror: Directory,
): "mirror_conflict" | "mirror_lacks_key" | undefined {
  const ids = new Map(mirror.keys.map((key) => [keyName(key), key.keyId]));
  const shown = (key: DirectoryKey) => ids.get(keyName(key));
  if (
    directory.issuer !== mirror.issuer || directory.usesPerToken !== mirror.usesPerToken ||
    directory.issuingEndpoint !== mirror.issuingEndpoint ||
    directory.loggingEndpoint !== mirror.loggingEndpoint ||
    directory.keys.some((key) => (shown(key) ?? key.keyId) !== key.keyId)
  ) return "mirror_conflict";
  // A key under a name of its own would mark this client as surely as another value of a common one. Whether it issues
  // now says nothing: the service sets the clock that tells.
  return directory.keys.some((key) => key.region === directory.region && shown(key) === undefined)
    ? "mirror_lacks_key"
    : undefined;
}

/** What finding a directory takes of its client, and what the app demands of one. */
export interface DirectoryParts extends DocumentParts {
  readonly app: string;
  readonly places: Places;
  /** A second place that shows the same directory. */
  readonly mirror: Mirror | undefined;
  /** Links from which the chain of the region's keys has to lead on. */
  readonly keyPin: string | undefined;
  /** Says whether a directory may be used. */
  readonly verifyKeys: ((directory: Directory) => boolean | Promise<boolean>) | undefined;
}

/** The directory of a client. */
export function directoryOf(parts: DirectoryParts): CachedDocument<Directory> {
  const { app, clock, commit, network, places, mirror, keyPin, verifyKeys } = parts;
  const parse = (text: string) => parseDirectory(text, app);
  return new CachedDocument(parts, {
    step: "directory",
    key: DIRECTORY,
    url: () => `${places.directory}/keys`,
    parse,
    async check(directory, answer) {
      if (!isHashOrHidden(answer)) return "etag_not_the_hash";
      if (!places.admits(directory)) return "endpoint_foreign";
      if (mirror !== undefined) {
        const fault = await askMirror(network, mirror.keys, (text) => mirrorFault(directory, parse(text)));
        if (fault !== undefined) return fault;
      }
      if (keyPin !== undefined) {
        const seen = await commit((entries) => read<SeenChains>(entries, CHAINS));
        const url = `${places.directory}/keys/history`;
        if (!await leadsOnFromPin({ app, directory, keyPin, seen, network, url })) return "not_pinned";
      }
      if (verifyKeys === undefined) return undefined;
      try {
        // The app may ask a server of its own.
        return await inTime(network, async () => await verifyKeys(directory)) ? undefined : "not_verified";
      } catch {
        return "not_verified";
      }
    },
    // By the device's own clock: the service's must not decide what is forgotten.
    admit(directory, entries, report) {
      const compared = { app, directory, nowSeconds: clock.now() / 1000, report, keyPin };
      return compareChains(entries, compared) ?? compareSeen(entries, compared);
    },
  });
}

/** A validator that is not the hash of the body could be a cookie. A browser hides it unless it is exposed. */
function isHashOrHidden({ headers, body }: Answer): boolean {
  const etag = headers.get("etag");
  return etag === null || etag.replace(/^W\//, "") === `"${toBase64url(sha256(body))}"`;
}
