/**
 * The pages before a key is rotated, keys are revoked or replaced, or the time is confirmed.
 *
 * @module
 */
import { MAX_GENERATION, type WantedKey } from "../../../core/keys/replacement.ts";
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import { formatMoment } from "../frame/format.ts";
import { ConfirmForm } from "../frame/confirm.tsx";
import { PageHead } from "../frame/layout.tsx";

/** Before a key is rotated. */
export function RotatePage({ app, next, session }: {
  readonly app: string;
  readonly next: WantedKey;
  readonly session: ConsoleSession;
}) {
  return (
    <>
      <PageHead
        title={`Rotate the key of ${app}?`}
        lead="The next generation begins to sign tokens at once. The key before it goes on taking logs, so that no client loses anything."
      />
      <section class="panel stack">
        <p>
          Clients accept {MAX_GENERATION}{" "}
          replacements an epoch and report each of them: a service that changes keys often could mark people.
          The next epoch brings a new key by itself.
        </p>
        <ConfirmForm
          session={session}
          action={`/console/apps/${app}/keys/rotate`}
          back={`/console/apps/${app}/keys`}
          label="Rotate now"
          danger={false}
          fields={{ epoch: next.epoch, generation: next.generation }}
        />
      </section>
    </>
  );
}

/** Before the keys of epochs are replaced that have lost theirs. */
export function ReplacePage({ app, session }: { readonly app: string; readonly session: ConsoleSession }) {
  return (
    <>
      <PageHead
        title={`Replace the keys of ${app} that are gone?`}
        lead="Each epoch that issues or is to come and has lost its keys gets the next generation of them."
      />
      <section class="panel stack">
        <p>
          A clock that was ahead has destroyed them. Tokens under them are lost; clients get new ones by
          themselves. Set the clock right first.
        </p>
        <ConfirmForm
          session={session}
          action={`/console/apps/${app}/keys/replace`}
          back={`/console/apps/${app}/keys`}
          label="Replace them"
          danger={false}
        />
      </section>
    </>
  );
}

/** Before the clock is believed. */
export function ConfirmTimePage({ app, now, session }: {
  readonly app: string;
  readonly now: number;
  readonly session: ConsoleSession;
}) {
  return (
    <>
      <PageHead
        title={`Is it ${formatMoment(now)} UTC?`}
        lead="That is what this service's clock says. If you say so, everything ends that waits for it: keys are destroyed, and what is over is deleted."
      />
      <section class="panel stack">
        <p>
          Compare it with a clock that has nothing to do with this machine. Without an answer the service
          believes its clock once it has agreed with itself for ten minutes.
        </p>
        <ConfirmForm
          session={session}
          action={`/console/apps/${app}/keys/confirm-time`}
          back={`/console/apps/${app}/keys`}
          label="Yes, it is"
          danger
          fields={{ seconds: now }}
        />
      </section>
    </>
  );
}

/** Before keys are revoked. */
export function RevokePage({ app, epoch, generation, session }: {
  readonly app: string;
  readonly epoch: number;
  readonly generation: number;
  readonly session: ConsoleSession;
}) {
  return (
    <>
      <PageHead
        title={`Revoke the keys of epoch ${epoch}?`}
        lead={`This ends the keys of ${app} of epoch ${epoch} up to generation ${generation} at once. It cannot be undone.`}
      />
      <section class="panel stack">
        <ul>
          <li>
            Every token under these keys is worthless from now on; logs with them are refused as too old.
          </li>
          <li>
            Clients fetch the directory and new tokens by themselves. Logs that they had signed already are
            lost.
          </li>
          <li>If the epoch still signs, the next generation takes over in the same moment.</li>
        </ul>
        <ConfirmForm
          session={session}
          action={`/console/apps/${app}/keys/revoke/${epoch}/${generation}`}
          back={`/console/apps/${app}/keys`}
          label="Revoke these keys"
          danger
        />
      </section>
    </>
  );
}
