/**
 * The operator's routes are reached with one token, of which the service knows only the SHA-256.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { MiddlewareHandler } from "hono";
import { utf8 } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";

const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;

/** SHA-256 of an admin token, 32 bytes. */
export function adminTokenDigest(token: string): Uint8Array {
  return sha256(utf8(token));
}

/**
 * Lets a request pass whose `Authorization: Bearer` token has this SHA-256 (32 bytes). Digests are compared, so the
 * comparison tells nothing about the token; the other requests get the refusal `admin_token_invalid`.
 */
export function adminGuard(tokenSha256: Uint8Array): MiddlewareHandler {
  return async function requireAdminToken(c, next) {
    const token = BEARER.exec(c.req.header("authorization") ?? "")?.[1];
    if (token === undefined || !timingSafeEqual(adminTokenDigest(token), tokenSha256)) {
      throw new Refusal("admin_token_invalid", "The admin token is missing or wrong.");
    }
    await next();
    c.res.headers.set("cache-control", "no-store");
  };
}
