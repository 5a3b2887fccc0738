/**
 * How a form of the console becomes an action: through the admin API of this very process, so that there is one
 * implementation of each action and one place where it is written down.
 *
 * @module
 */
import type { Context } from "hono";
import { Refusal, type RefusalCode } from "../../../core/base/errors.ts";
import { PROBLEMS } from "../../../edge/http/problem.ts";
import type { ConsoleEnv, ConsoleOptions } from "./env.ts";

const MAX_REASON = 300;

/**
 * Posts to the admin API as the operator whose form this is, with the form's reason.
 * @throws {Refusal} What the admin API refused with, or `body_malformed` without a reason.
 */
export async function actAsOperator(
  c: Context<ConsoleEnv>,
  { callAdmin }: ConsoleOptions,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const reason = (c.get("form").reason ?? "").trim();
  if (reason === "" || reason.length > MAX_REASON) {
    throw new Refusal("body_malformed", `Give a reason of at most ${MAX_REASON} characters.`);
  }
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, reason }),
  };
  const response = await callAdmin(path, init, c.get("session").operator);
  if (response.ok) {
    await response.body?.cancel();
    return;
  }
  const problem = await response.json() as { code: string; detail: string };
  const code = problem.code in PROBLEMS ? problem.code as RefusalCode : "internal";
  throw new Refusal(code, problem.detail);
}
