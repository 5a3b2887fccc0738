/**
 * The routes of operators are reached with a token, of which the service knows only the SHA-256. Who may call which of
 * them, the operation says (edge/operations/); the verbs behind the routes write what they change to the audit log.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { Refusal } from "../../core/base/errors.ts";
import { leastRoleOf } from "./roles.ts";
import { mayAs, type OperatorEnv, operatorOf, type OperatorRole, type OperatorTokens } from "./operator.ts";
import { VIA_HEADER } from "../http/headers.ts";

/**
 * Lets operators pass whose role may what they ask for. Throws the refusals `admin_token_invalid` and
 * `role_insufficient`.
 */
export function adminGuard(tokens: OperatorTokens): MiddlewareHandler<OperatorEnv> {
  return async function requireOperator(c, next) {
    const via = c.req.header(VIA_HEADER) === "command" ? "command" : "api";
    const operator = operatorOf(c.req.header("authorization") ?? null, tokens, via);
    if (operator === undefined) {
      throw new Refusal("admin_token_invalid", "The admin token is missing or wrong.");
    }
    const least = leastRoleOf(c.req.method, c.req.path);
    if (!mayAs(operator.role, least)) throw new Refusal("role_insufficient", MAY[operator.role]);
    c.set("operator", operator);
    await next();
    c.res.headers.set("cache-control", "no-store");
  };
}

/** What a role may, to whom it is not enough. */
const MAY: Readonly<Record<OperatorRole, string>> = {
  analyst: "This role sees releases and schemas, and nothing else.",
  reader: "This role may look, and not act.",
  admin: "This role may everything.",
};
