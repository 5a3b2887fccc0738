/**
 * The routes of operators are reached with a token, of which the service knows only the SHA-256. Who may call which of
 * them, the operation says (edge/operations/), and for which applications, the settings; the verbs behind the routes write
 * what they change to the audit log.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { Refusal } from "../../core/base/errors.ts";
import type { RefusedAttempts } from "../../core/operations/refused_attempts.ts";
import { askedOf } from "./roles.ts";
import { type OperatorEnv, operatorFor, operatorOf, type OperatorTokens } from "./operator.ts";

/**
 * Lets operators pass who may what they ask for; what they may not is written down. Throws the refusals
 * `admin_token_invalid`, `role_insufficient` and `app_unknown`.
 */
export function adminGuard(
  tokens: OperatorTokens,
  attempts?: Pick<RefusedAttempts, "during">,
): MiddlewareHandler<OperatorEnv> {
  return async function requireOperator(c, next) {
    // A command line tool asks as everybody else: a header could not show that it is one.
    const signedIn = operatorOf(c.req.header("authorization") ?? null, tokens, "api");
    if (signedIn === undefined) {
      throw new Refusal("admin_token_invalid", "The admin token is missing or wrong.");
    }
    const asked = askedOf(c.req.method, c.req.path);
    const find = () => operatorFor(signedIn, asked);
    c.set("operator", attempts === undefined ? find() : await attempts.during(signedIn, asked.name, find));
    await next();
    c.res.headers.set("cache-control", "no-store");
  };
}
