/**
 * The routes of operators are reached with a token, of which the service knows only the SHA-256. Whatever changes
 * something, or hands out raw records, is for those who may act; the verbs behind the routes write it to the audit log.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { Refusal } from "../../core/base/errors.ts";
import { type OperatorEnv, operatorOf, type OperatorTokens } from "./operator.ts";
import { VIA_HEADER } from "../http/headers.ts";

/** Raw records: reading them is an action like a change. */
const EXPORT_PATH = /^\/admin\/v1\/apps\/[^/]+\/logs\//;

/**
 * Lets operators pass, and those who may only look no further than that. Throws the refusals `admin_token_invalid` and
 * `role_insufficient`.
 */
export function adminGuard(tokens: OperatorTokens): MiddlewareHandler<OperatorEnv> {
  return async function requireOperator(c, next) {
    const via = c.req.header(VIA_HEADER) === "command" ? "command" : "api";
    const operator = operatorOf(c.req.header("authorization") ?? null, tokens, via);
    if (operator === undefined) {
      throw new Refusal("admin_token_invalid", "The admin token is missing or wrong.");
    }
    if (operator.role !== "admin" && isAction(c)) {
      throw new Refusal("role_insufficient", "This role may look, and not act.");
    }
    c.set("operator", operator);
    await next();
    c.res.headers.set("cache-control", "no-store");
  };
}

function isAction(c: Context): boolean {
  return (c.req.method !== "GET" && c.req.method !== "HEAD") || EXPORT_PATH.test(c.req.path);
}
