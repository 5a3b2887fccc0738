/**
 * The pages before a key is rotated or keys are revoked.
 *
 * @module
 */
import { MAX_GENERATION, type WantedKey } from "../../../core/keys/replacement.ts";
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
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
