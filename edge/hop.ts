/**
 * The hop between regions: who knows the secret of all regions is one of them.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { timingSafeEqual } from "node:crypto";
import { utf8 } from "../core/base/bytes.ts";
import { HOP_HEADER } from "./http/headers.ts";
import type { Hop, RouteKind } from "./strip.ts";

/** Makes the function that reads the header of the hop. Without `token`, the secret, no request counts as sent on. */
export function hopReader(token: string | undefined): (headers: Headers, kind: RouteKind) => Hop {
  const digest = token === undefined ? undefined : sha256(utf8(token));
  return function readHop(headers, kind) {
    const header = headers.get(HOP_HEADER);
    if (header === null || !kind.hop) return "none";
    // Digests have one length, so that the comparison tells nothing of the secret's.
    return digest !== undefined && timingSafeEqual(sha256(utf8(header)), digest) ? "valid" : "claimed";
  };
}
