/**
 * Reads what another region says of its keys, as strictly as a client will read it from here: one key that clients
 * refuse would have them refuse the whole directory.
 *
 * @module
 */
import { fromBase64url } from "../../core/base/bytes.ts";
import type { Application } from "../../core/config/types.ts";
import type { PublishedKey } from "../../core/keys/directory.ts";
import type { KeyLink } from "../../core/keys/key_row.ts";
import { LINK_LENGTH } from "../../core/token/key_chain.ts";
import { tokenKeyId } from "../../core/token/token.ts";
import { suiteOfType } from "../../core/voprf/suites.ts";

/** Most keys that are taken over from one region. */
const MAX_KEYS = 64;
/** Most epochs that a key may redeem beyond its own (docs/protocol.md, section 2). */
const MAX_OVERLAP = 8;

/**
 * The keys that the directory of `region` lists as its own and that fit the application's calendar.
 * @throws {TypeError} If it is no directory at all.
 */
export function readRegionKeys(directory: unknown, region: string, app: Application): PublishedKey[] {
  const listed = (directory as Record<string, unknown> | null | undefined)?.["token-keys"];
  if (!Array.isArray(listed)) throw new TypeError("The document has no list of keys");
  const keys = new Map<string, PublishedKey>();
  const limits = readLimits(directory as Record<string, unknown>);
  for (const entry of listed) {
    const key = readKey(entry, region, app);
    if (key === undefined || keys.size === MAX_KEYS) continue;
    const name = `${key.epoch}/${key.generation}`;
    // One name never has two values; which of them is the true one cannot be known here.
    if (!keys.has(name)) keys.set(name, { ...key, ...limits });
  }
  return [...keys.values()];
}

/** What the region promises for its keys, so that the least of all is the same in the directory of every region. */
function readLimits(
  { "uses-per-token": uses, "tokens-per-client": tokens }: Record<string, unknown>,
): Pick<PublishedKey, "usesPerToken" | "tokensPerClient"> {
  return {
    ...(isWhole(uses, 1, 1024) ? { usesPerToken: uses } : {}),
    ...(isWhole(tokens, 1, 1024) ? { tokensPerClient: tokens } : {}),
  };
}

function readKey(entry: unknown, region: string, app: Application): PublishedKey | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const members = entry as Record<string, unknown>;
  const { epoch, generation, "token-type": tokenType } = members;
  if (members.region !== region) return undefined;
  if (!isWhole(tokenType, 0, 0xffff) || !isWhole(generation, 0, 2 ** 31) || !isWhole(epoch, 0, 2 ** 40)) {
    return undefined;
  }
  const start = epoch * app.epochSeconds;
  const end = start + app.epochSeconds;
  const { "not-before": notBefore, "issue-until": issueUntil, "redeem-until": redeemUntil } = members;
  if (
    notBefore !== start || issueUntil !== end ||
    !isWhole(redeemUntil, end, end + MAX_OVERLAP * app.epochSeconds) ||
    (redeemUntil - end) % app.epochSeconds !== 0
  ) return undefined;
  const publicKey = readPublicKey(members["token-key"], tokenType);
  if (publicKey === undefined) return undefined;
  const chain = readLink(members);
  if (chain === "malformed") return undefined;
  return {
    publicKey,
    keyId: tokenKeyId(publicKey),
    region,
    epoch,
    generation,
    notBefore,
    issueUntil,
    redeemUntil,
    voprf: { tokenType },
    ...(chain && { chain }),
  };
}

/** A key's link; undefined where the region runs a version that has no chain. */
function readLink(
  { chain, "chain-number": number }: Record<string, unknown>,
): KeyLink | undefined | "malformed" {
  if (chain === undefined && number === undefined) return undefined;
  if (typeof chain !== "string" || !isWhole(number, 0, 2 ** 40)) return "malformed";
  try {
    return { number, link: fromBase64url(chain, LINK_LENGTH) };
  } catch {
    return "malformed";
  }
}

function readPublicKey(value: unknown, tokenType: number): Uint8Array<ArrayBuffer> | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return fromBase64url(value, suiteOfType(tokenType)?.elementLength ?? -1);
  } catch {
    return undefined;
  }
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}
