/**
 * The operator's routes are reached with one token, of which the service knows only the SHA-256.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { Refusal } from "../core/errors.ts";
import { isBearerOf } from "./bearer.ts";

/**
 * Lets a request pass whose `Authorization: Bearer` token has this SHA-256 (32 bytes); the other requests get the
 * refusal `admin_token_invalid`.
 */
export function adminGuard(tokenSha256: Uint8Array): MiddlewareHandler {
  return async function requireAdminToken(c, next) {
    if (!isBearerOf(c.req.header("authorization") ?? null, tokenSha256)) {
      throw new Refusal("admin_token_invalid", "The admin token is missing or wrong.");
    }
    await next();
    c.res.headers.set("cache-control", "no-store");
  };
}
