/**
 * The page before a stop is lifted.
 *
 * @module
 */
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import { ALL_EVENTS } from "../../../core/privacy/risk/suppressions.ts";
import { ConfirmForm } from "../frame/confirm.tsx";
import { PageHead } from "../frame/layout.tsx";

/** Before a stop is lifted. */
export function LiftPage({ app, event, field, session }: {
  readonly app: string;
  readonly event: string;
  readonly field: string | undefined;
  readonly session: ConsoleSession;
}) {
  const name = event === ALL_EVENTS ? "all events" : field === undefined ? event : `${event}.${field}`;
  return (
    <>
      <PageHead
        title={`Lift the stop of ${name}?`}
        lead="It is collected again until the pseudonyms change next, and judged anew then. What singled people out before will do so again."
      />
      <section class="panel stack">
        <p>
          Lift it when you know that the alarm was wrong, such as after a test that made up values. To collect
          less instead, change the field: fewer values, wider buckets, or randomised on the device.
        </p>
        <ConfirmForm
          session={session}
          action={`/console/apps/${app}/privacy/lift/${field === undefined ? event : `${event}/${field}`}`}
          back={`/console/apps/${app}/privacy`}
          label="Lift the stop"
          danger
        />
      </section>
    </>
  );
}
