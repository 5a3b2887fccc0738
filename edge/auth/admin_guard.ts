/**
 * The operator's routes are reached with a token, of which the service knows only the SHA-256, or through the console,
 * which has signed the operator in. Whatever changes something, or hands out raw records, is written to the trail
 * before it is done.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { Refusal } from "../../core/base/errors.ts";
import type { AuditLog } from "../../core/operations/audit_log.ts";
import { type OperatorEnv, operatorOf, type OperatorTokens } from "./operator.ts";
import { CODE_HEADER, VIA_HEADER } from "../http/headers.ts";
import { readBoundedBody } from "../http/read_body.ts";

/** Raw records: reading them is an action like a change. */
const EXPORT_PATH = /^\/admin\/v1\/apps\/[^/]+\/logs\//;
const MAX_DETAILS_BYTES = 4_096;

/**
 * Lets operators pass, and those who may only look no further than that. Throws the refusals `admin_token_invalid` and
 * `role_insufficient`.
 */
export function adminGuard(tokens: OperatorTokens): MiddlewareHandler<OperatorEnv> {
  return async function requireOperator(c, next) {
    // Outside of this process nobody can set a binding.
    const via = c.req.header(VIA_HEADER) === "command" ? "command" : "api";
    const operator = c.env?.operator ?? operatorOf(c.req.header("authorization") ?? null, tokens, via);
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

/**
 * Writes every action to the trail before it is done, and its outcome behind it. An action that cannot be written down
 * is not done.
 */
export function recordActions(auditLog: AuditLog): MiddlewareHandler<OperatorEnv> {
  return async function recordAction(c, next) {
    if (!isAction(c)) return await next();
    const { name: operator, via } = c.get("operator");
    const body = await readBoundedBody(c.req.raw.clone(), MAX_DETAILS_BYTES);
    const { number } = await auditLog.append({
      operator,
      via,
      action: `${c.req.method} ${c.req.path.slice(0, 200)}`,
      ...(body.length === 0 ? {} : { details: new TextDecoder().decode(body) }),
    });
    await next();
    const outcome = c.res.ok ? "done" : c.res.headers.get(CODE_HEADER) ?? `status ${c.res.status}`;
    // An entry whose outcome could not be written says that nobody knows; the answer tells the operator himself.
    await auditLog.append({ of: number, outcome }).catch(() => {});
  };
}

function isAction(c: Context): boolean {
  return (c.req.method !== "GET" && c.req.method !== "HEAD") || EXPORT_PATH.test(c.req.path);
}
