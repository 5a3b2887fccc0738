/**
 * The keys of an application and where they stand.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import type { ListedKey } from "../../../core/keys/listed_keys.ts";
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import { operatorIfAny } from "../../../edge/auth/operator.ts";
import { formatDuration, formatMoment } from "../frame/format.ts";
import { KeyTimeline } from "./timeline.tsx";
import { PageHead } from "../frame/layout.tsx";
import { Badge, Moment, type Tone } from "../frame/parts.tsx";
import type { KeysView } from "./view.ts";

const TONES: Readonly<Record<ListedKey["state"], Tone>> = {
  scheduled: "plain",
  issuing: "good",
  redeeming: "info",
  over: "plain",
  revoked: "bad",
};

/** The page. */
export function KeysPage({ application, view, timeHeld, now, session }: {
  readonly application: Application;
  readonly view: KeysView | undefined;
  readonly timeHeld: boolean;
  readonly now: number;
  readonly session: ConsoleSession;
}) {
  const { id: app, epochSeconds } = application;
  const { keys, destroyed, isGone = false } = view ?? {};
  const mayAct = session.operator.role === "admin";
  // The clock is that of all applications.
  const mayConfirm = operatorIfAny(session.signedIn, { about: "whole", least: "admin" }) !== undefined;
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
        {timeHeld && (
          <p class="note">
            This service's clock is ahead of what was confirmed: nothing is destroyed or ended by it until it
            has agreed with itself for ten minutes.{" "}
            {mayConfirm && <a href={`/console/apps/${app}/keys/confirm-time`}>Say that it is right</a>}
          </p>
        )}
        {isGone && (
          <p class="note">
            An epoch that issues or is to come has lost its keys to a clock that was ahead.{" "}
            {mayAct && <a href={`/console/apps/${app}/keys/replace`}>Replace them</a>}
          </p>
        )}
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
                      <th scope="col">Accepts logs until</th>
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
