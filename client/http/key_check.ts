/**
 * Whether a directory may be used: it must not show this client other keys than it showed before, or than it shows to
 * others (docs/protocol.md, section 7).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url } from "../../core/base/bytes.ts";
import { inTime } from "../base/deadline.ts";
import {
  ACCEPTED,
  CHAINS,
  DIRECTORY,
  PENDING,
  read,
  REQUESTS,
  SEEN,
  type SeenChains,
  TOKENS,
} from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import { calendarFault } from "./calendar.ts";
import { type Directory, keyName, parseDirectory, usableKeys } from "./directory.ts";
import { compareChains, leadsOnFromPin, tellFork } from "./key_chain.ts";
import { CachedDocument, type DocumentParts } from "./document.ts";
import { askMirror, type Mirror } from "./mirror.ts";
import type { Answer } from "./network.ts";
import type { Places } from "./places.ts";
import { compareSeen } from "./seen_keys.ts";

/**
 * Why a directory may not be used beside what a mirror shows: a name has two values, or what else every token depends
 * on has; or the mirror lacks a key that this client could get tokens of. A key that this directory lacks is no fault.
 */
export function mirrorFault(
  directory: Directory,
  mirror: Directory,
): "mirror_conflict" | "mirror_lacks_key" | undefined {
  const shown = new Map(mirror.keys.map((key) => [keyName(key), JSON.stringify(key)]));
  const usable = usableKeys(directory);
  if (
    commonOf(directory) !== commonOf(mirror) ||
    usable.some((key) => (shown.get(keyName(key)) ?? JSON.stringify(key)) !== JSON.stringify(key))
  ) return "mirror_conflict";
  // A key under a name of its own would mark this client as surely as another value of a common one. Whether it issues
  // now says nothing: the service sets the clock that tells.
  return usable.some((key) => !shown.has(keyName(key))) ? "mirror_lacks_key" : undefined;
}

/** What is the same in every region and under every key. */
function commonOf({ keys: _keys, region: _region, ...common }: Directory): string {
  return JSON.stringify(common);
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
        const before = await commit((entries) => ({
          seen: read<SeenChains>(entries, CHAINS),
          isUsed: isUsed(entries),
        }));
        const url = `${places.directory}/keys/history`;
        const nowSeconds = clock.now() / 1000;
        const led = await leadsOnFromPin({ app, directory, keyPin, nowSeconds, network, url, ...before });
        if (led !== true) {
          if (led) await commit((entries, report) => tellFork(entries, report, led));
          return "not_pinned";
        }
      }
      if (verifyKeys === undefined) return undefined;
      try {
        // The app may ask a server of its own.
        return await inTime(network.signal, async () => await verifyKeys(directory))
          ? undefined
          : "not_verified";
      } catch {
        return "not_verified";
      }
    },
    admit(directory, entries, report) {
      // By the device's own clock: the service's must not decide what is forgotten.
      const nowSeconds = clock.now() / 1000;
      const compare = () => {
        const compared = { app, directory, nowSeconds, report, keyPin, isUsed: isUsed(entries) };
        const before = entries.get(CHAINS);
        const fault = calendarFault(directory, clock.seconds()) ?? compareChains(entries, compared) ??
          compareSeen(entries, compared);
        // What is refused is not remembered: it would hold up what is honest.
        if (fault !== undefined) before === undefined ? entries.delete(CHAINS) : entries.set(CHAINS, before);
        return fault;
      };
      const isFirst = entries.get(SEEN) === undefined;
      const fault = compare();
      if (isFirst && fault === undefined && entries.get(ACCEPTED) === undefined) entries.set(ACCEPTED, "0");
      if (fault !== "key_changed" || entries.get(ACCEPTED) !== "0") return fault;
      // Nothing depends on keys under which no log was ever accepted. This is a first contact again, which is told: or a
      // lie at the first one would hold its client up for days. Where tokens may have been used, there is no second time.
      report("refused", { step: "directory", code: fault });
      if (isUsed(entries)) entries.set(ACCEPTED, "1");
      for (const key of [SEEN, CHAINS, PENDING, ...entries.keys(TOKENS)]) entries.delete(key);
      return compare();
    },
  });
}

/** Whether a key that was seen may have been used: a log was accepted, or tokens were issued. */
function isUsed(entries: Entries): boolean {
  return entries.get(ACCEPTED) === "1" || entries.keys(TOKENS).length + entries.keys(REQUESTS).length > 0;
}

/** A validator that is not the hash of the body could be a cookie. A browser hides it unless it is exposed. */
function isHashOrHidden({ headers, body }: Answer): boolean {
  const etag = headers.get("etag");
  return etag === null || etag.replace(/^W\//, "") === `"${toBase64url(sha256(body))}"`;
}
