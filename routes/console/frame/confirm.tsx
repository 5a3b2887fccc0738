/**
 * The form between a decision and its consequences.
 *
 * @module
 */
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import { FormToken } from "./layout.tsx";

/** A reason, and the two ways on. */
export function ConfirmForm({ session, action, back, label, danger }: {
  readonly session: ConsoleSession;
  readonly action: string;
  readonly back: string;
  readonly label: string;
  readonly danger: boolean;
}) {
  return (
    <form class="form" method="post" action={action}>
      <FormToken session={session} />
      <label>
        Reason
        <input name="reason" maxlength={300} required autocomplete="off" />
        <span>It stands in the audit auditLog, with your name and the time.</span>
      </label>
      <div class="actions">
        <button class={danger ? "danger" : "primary"} type="submit">{label}</button>
        <a href={back}>Go back</a>
      </div>
    </form>
  );
}
