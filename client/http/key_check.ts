/**
 * Whether a directory may be used: it must not show this client other keys than it showed before, or than it shows to
 * others (docs/protocol.md, section 7).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url } from "../../core/base/bytes.ts";
import type { Context } from "../base/context.ts";
import { type Directory, type DirectoryKey, keyName, parseDirectory } from "./directory.ts";
import { CachedDocument } from "./document.ts";
import { type Answer, exchange, inTime } from "./http.ts";
import { DIRECTORY, read, SEEN, type SeenKeys, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { ClientOptions, Report } from "../base/types.ts";

const MAX_MIRROR_BYTES = 524_288;
/** Most names that are remembered: those of 8 epochs of overlap and many regions. */
const MAX_SEEN = 1024;

/** Compares with every key seen before, and remembers the new ones; the reason to refuse, if there is one. */
export function compareSeen(
  entries: Entries,
  report: Report,
  directory: Directory,
  nowSeconds: number,
): "key_changed" | "too_many_keys" | undefined {
  const before = read<SeenKeys>(entries, SEEN) ?? {};
  const seen: Record<string, { id: string; until: number }> = {};
  for (const [name, key] of Object.entries(before)) {
    if (nowSeconds < key.until) seen[name] = key;
  }
  for (const key of directory.keys) {
    const { keyId, region, epoch, generation, redeemUntil } = key;
    const known = seen[keyName(key)];
    if ((known?.id ?? keyId) !== keyId) return "key_changed";
    if (known === undefined && generation > 0) report("key_replaced", { region, epoch, generation });
    seen[keyName(key)] = { id: keyId, until: Math.max(known?.until ?? 0, redeemUntil) };
  }
  // Names that never end would fill the app's storage.
  if (Object.keys(seen).length > MAX_SEEN) return "too_many_keys";
  write(entries, SEEN, seen);
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
    directory.keys.some((key) => (shown(key) ?? key.keyId) !== key.keyId)
  ) return "mirror_conflict";
  // A key under a name of its own would mark this client as surely as another value of a common one. Whether it issues
  // now says nothing: the service sets the clock that tells.
  return directory.keys.some((key) => key.region === directory.region && shown(key) === undefined)
    ? "mirror_lacks_key"
    : undefined;
}

/** The directory of a client. */
export function directoryOf(
  context: Context,
  options: Pick<ClientOptions, "verifyKeys" | "mirror">,
): CachedDocument<Directory> {
  const { app, clock } = context;
  const parse = (text: string) => parseDirectory(text, app);
  return new CachedDocument(context, {
    step: "directory",
    key: DIRECTORY,
    path: "/keys",
    parse,
    async check(directory, answer) {
      const refused = hashFault(answer) ?? await askMirror(context, parse, directory, options.mirror) ??
        await askApp(context, directory, options.verifyKeys);
      return refused ?? ((entries, report) => {
        // By the device's own clock: the service's must not decide what is forgotten.
        return compareSeen(entries, report, directory, clock.now() / 1000);
      });
    },
  });
}

/** A validator that is not the hash of the body could be a cookie. A browser hides it unless it is exposed. */
function hashFault({ headers, body }: Answer): string | undefined {
  const etag = headers.get("etag");
  if (etag === null || etag.replace(/^W\//, "") === `"${toBase64url(sha256(body))}"`) return undefined;
  return "etag_not_the_hash";
}

async function askMirror(
  context: Context,
  parse: (text: string) => Directory,
  directory: Directory,
  mirror: string | undefined,
): Promise<string | undefined> {
  if (mirror === undefined) return undefined;
  const answer = await exchange(context, "mirror", mirror, { method: "GET" }, MAX_MIRROR_BYTES);
  try {
    if (answer.status === 200) {
      return mirrorFault(directory, parse(new TextDecoder().decode(answer.body)));
    }
  } catch {
    // A mirror that cannot be read vouches for nothing.
  }
  return "mirror_unavailable";
}

async function askApp(
  context: Context,
  directory: Directory,
  verifyKeys: ClientOptions["verifyKeys"],
): Promise<string | undefined> {
  try {
    const isVerified = verifyKeys === undefined ||
      await inTime(context, async () => await verifyKeys(directory));
    return isVerified ? undefined : "not_verified";
  } catch {
    return "not_verified";
  }
}
