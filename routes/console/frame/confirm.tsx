/**
 * The form between a decision and its consequences, and the reason that it brings.
 *
 * @module
 */
import type { Context } from "hono";
import { Refusal } from "../../../core/base/errors.ts";
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import type { ConsoleEnv } from "./env.ts";
import { FormToken } from "./layout.tsx";

/** Characters of a reason. */
const MAX_REASON = 300;

/** A reason, and the two ways on. */
export function ConfirmForm({ session, action, back, label, danger, fields = {} }: {
  readonly session: ConsoleSession;
  readonly action: string;
  readonly back: string;
  readonly label: string;
  readonly danger: boolean;
  /** What is sent with the reason: what the page was shown about. */
  readonly fields?: Readonly<Record<string, number>>;
}) {
  return (
    <form class="form" method="post" action={action}>
      <FormToken session={session} />
      {Object.entries(fields).map(([name, value]) => <input type="hidden" name={name} value={value} />)}
      <label>
        Reason
        <input name="reason" maxlength={MAX_REASON} required autocomplete="off" />
        <span>It stands in the audit log, with your name and the time.</span>
      </label>
      <div class="actions">
        <button class={danger ? "danger" : "primary"} type="submit">{label}</button>
        <a href={back}>Go back</a>
      </div>
    </form>
  );
}

/**
 * The reason of a form that was sent.
 * @throws {Refusal} `body_malformed` without one.
 */
export function reasonOfForm(c: Context<ConsoleEnv>): string {
  const reason = (c.get("form").reason ?? "").trim();
  if (reason === "" || reason.length > MAX_REASON) {
    throw new Refusal("body_malformed", `Give a reason of at most ${MAX_REASON} characters.`);
  }
  return reason;
}
