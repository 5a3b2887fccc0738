/**
 * Whether a directory may be used: it must not show this client other keys than it showed before, or than it shows to
 * others (docs/protocol.md, section 7).
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url } from "../core/bytes.ts";
import type { Context } from "./context.ts";
import { type Directory, keyName, parseDirectory } from "./directory.ts";
import { CachedDocument } from "./document.ts";
import { type Answer, exchange } from "./http.ts";
import { DIRECTORY, read, SEEN, type SeenKeys, write } from "./records.ts";
import type { Entries } from "./storage.ts";
import type { ClientOptions, Report } from "./types.ts";

const MAX_MIRROR_BYTES = 524_288;

/** Compares with every key seen before, and remembers the new ones; the reason to refuse, if there is one. */
export function compareSeen(
  entries: Entries,
  report: Report,
  directory: Directory,
  nowSeconds: number,
): "key_changed" | undefined {
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
  write(entries, SEEN, seen);
  return undefined;
}

/** Whether two directories show one name with two values. A key that one of them lacks is no conflict. */
export function conflicts(one: Directory, other: Directory): boolean {
  const ids = new Map(one.keys.map((key) => [keyName(key), key.keyId]));
  return other.keys.some((key) => (ids.get(keyName(key)) ?? key.keyId) !== key.keyId);
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
        await askApp(directory, options.verifyKeys);
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
      return conflicts(parse(new TextDecoder().decode(answer.body)), directory)
        ? "mirror_conflict"
        : undefined;
    }
  } catch {
    // A mirror that cannot be read vouches for nothing.
  }
  return "mirror_unavailable";
}

async function askApp(
  directory: Directory,
  verifyKeys: ClientOptions["verifyKeys"],
): Promise<string | undefined> {
  try {
    return verifyKeys === undefined || await verifyKeys(directory) ? undefined : "not_verified";
  } catch {
    return "not_verified";
  }
}
