/**
 * `GET /console/apps/{app}/keys` and the confirmations before a key is rotated or revoked.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { type Calendar, epochAt, lifetimeOf } from "../../../core/keys/epoch.ts";
import { KeyOperations, type ListedKey } from "../../../core/keys/operations.ts";
import { MAX_GENERATION } from "../../../core/keys/replacement.ts";
import { hasKeys, type Server } from "../../../core/service.ts";
import { KEY_ENDS } from "../../../core/keys/families.ts";
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import { formatDuration, formatMoment } from "../frame/format.ts";
import { type DestroyedEpoch, KeyTimeline } from "./timeline.tsx";
import { ConfirmForm } from "../frame/confirm.tsx";
import { PageHead } from "../frame/layout.tsx";
import { Badge, Moment, type Tone } from "../frame/parts.tsx";

const TONES: Readonly<Record<ListedKey["state"], Tone>> = {
  scheduled: "plain",
  issuing: "good",
  redeeming: "info",
  over: "plain",
  revoked: "bad",
};

/** What the page shows of an application's keys. */
export interface KeysView {
  /** Oldest first. */
  readonly keys: readonly ListedKey[];
  /** The latest epoch whose keys are gone from the store; undefined before the first. */
  readonly destroyed: DestroyedEpoch | undefined;
}

/** Reads an application's keys; undefined where they are at an ACS elsewhere. */
export async function readKeys(service: Server, app: Application): Promise<KeysView | undefined> {
  if (!hasKeys(service)) return undefined;
  const [{ keys }, { value: endedAt }] = await Promise.all([
    new KeyOperations(service.rotation, service.deployment, service.now).list(),
    service.store.get<number>(KEY_ENDS.key(app.id, service.region)),
  ]);
  const own = keys.filter((key) => key.app === app.id);
  const destroyed = endedAt === null ? undefined : epochThatEnded(app, endedAt);
  const isListed = own.some(({ epoch }) => epoch === destroyed?.epoch);
  return { keys: own, destroyed: isListed ? undefined : destroyed };
}

/** The epoch whose keys took logs until `endedAt`; undefined if the calendar was another one then. */
function epochThatEnded(calendar: Calendar, endedAt: number): DestroyedEpoch | undefined {
  const epoch = epochAt(calendar, endedAt - 1) - calendar.overlapEpochs;
  const life = lifetimeOf(calendar, epoch);
  return life.redeemUntil === endedAt ? { epoch, ...life } : undefined;
}

/** The page. */
export function KeysPage({ application, view, now, session }: {
  readonly application: Application;
  readonly view: KeysView | undefined;
  readonly now: number;
  readonly session: ConsoleSession;
}) {
  const { id: app, epochSeconds } = application;
  const { keys, destroyed } = view ?? {};
  const mayAct = session.operator.role === "admin";
  return (
    <>
      <PageHead
        title={`Keys of ${app}`}
        lead={`Every ${
          formatDuration(epochSeconds)
        } a new key begins to sign tokens. The key before it still takes ` +
          "logs for a while; then its secret is destroyed, and with it every way to count its clients."}
      >
        {mayAct && keys !== undefined && (
          <a class="button" href={`/console/apps/${app}/keys/rotate`}>Rotate now</a>
        )}
      </PageHead>
      <div class="stack">
        {keys === undefined
          ? <p class="note">This server holds no keys: see the console of its ACS.</p>
          : keys.length === 0
          ? (
            <p class="note">
              There are no keys yet: the first one is made with the first request or within the hour.
            </p>
          )
          : (
            <>
              <section class="panel">
                <KeyTimeline keys={keys} destroyed={destroyed} now={now} />
                {destroyed !== undefined && (
                  <p class="small muted">
                    The keys that took logs until {formatMoment(destroyed.redeemUntil)}{" "}
                    and all before them are destroyed: their secrets were overwritten and deleted.
                  </p>
                )}
              </section>
              <section class="panel">
                <table class="flow">
                  <thead>
                    <tr>
                      <th scope="col">Epoch.generation</th>
                      <th scope="col">State</th>
                      <th scope="col">Signs from</th>
                      <th scope="col">to</th>
                      <th scope="col">Takes logs to</th>
                      <th scope="col">Id</th>
                      {mayAct && (
                        <th scope="col">
                          <span class="sr">Actions</span>
                        </th>
                      )}
                    </tr>
                  </thead>
                  <tbody>
                    {keys.map((key) => <KeyRow entry={key} now={now} mayAct={mayAct} />)}
                  </tbody>
                </table>
              </section>
            </>
          )}
      </div>
    </>
  );
}

function KeyRow({ entry, now, mayAct }: {
  readonly entry: ListedKey;
  readonly now: number;
  readonly mayAct: boolean;
}) {
  const { app, epoch, generation, state, keyId, notBefore, issueUntil, redeemUntil } = entry;
  const canEnd = state === "issuing" || state === "redeeming" || state === "scheduled";
  return (
    <tr>
      <th scope="row">{epoch}.{generation}</th>
      <td>
        <Badge tone={TONES[state]}>{state}</Badge>
        {entry.sealedByNewest === false && <Badge tone="warn">sealed by an older key</Badge>}
      </td>
      <td class="wide" data-label="signs from">
        <Moment at={notBefore} now={now} />
      </td>
      <td class="wide" data-label="to">
        <Moment at={issueUntil} now={now} />
      </td>
      <td class="wide" data-label="takes logs to">
        <Moment at={redeemUntil} now={now} />
      </td>
      <td class="wide">
        <code title={keyId}>{keyId.slice(0, 10)}…</code>
      </td>
      {mayAct && (
        <td>
          {canEnd && (
            <a
              href={`/console/apps/${app}/keys/revoke/${epoch}/${generation}`}
              aria-label={`Revoke ${epoch}.${generation}`}
            >
              Revoke
            </a>
          )}
        </td>
      )}
    </tr>
  );
}

/** Before a key is rotated. */
export function RotatePage({ app, session }: { readonly app: string; readonly session: ConsoleSession }) {
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
