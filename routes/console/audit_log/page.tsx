/**
 * What operators did, newest first, and whether the audit log is as it was written.
 *
 * @module
 */
import { formatCount, formatSecond } from "../frame/format.ts";
import { PageHead } from "../frame/layout.tsx";
import { Badge, type Tone } from "../frame/parts.tsx";
import { type ActionEntry, type AuditLogView, reasonIn, wordsOf } from "./view.ts";

/** The page. */
export function AuditLogPage({ view }: { readonly view: AuditLogView }) {
  const { actions, outcomes, oldest, verdict } = view;
  return (
    <>
      <PageHead
        title="Audit log"
        lead="Everything that operators did, through this console, the API or a command. It is written down before it is done, and every entry holds the digest of the one before it."
      />
      <div class="stack">
        {verdict.intact
          ? (
            <p class="note good">
              The audit log is as it was written: {formatCount(verdict.entries)}{" "}
              {verdict.entries === 1 ? "entry" : "entries"}, digest{" "}
              <code>{verdict.digest.slice(0, 16)}</code>.
            </p>
          )
          : (
            <p class="note bad" role="alert">
              <b>Somebody changed the store behind the service:</b>{" "}
              the audit log does not fit together at entry {verdict.at}.
            </p>
          )}
        <section class="panel">
          {actions.length === 0 ? <p class="empty">Nobody has done anything yet.</p> : (
            <table class="flow">
              <thead>
                <tr>
                  <th scope="col">Time (UTC)</th>
                  <th scope="col">What</th>
                  <th scope="col">Who</th>
                  <th scope="col">Through</th>
                  <th scope="col">Outcome</th>
                </tr>
              </thead>
              <tbody>
                {actions.map((entry) => <ActionRow entry={entry} outcome={outcomes.get(entry.number)} />)}
              </tbody>
            </table>
          )}
        </section>
        {oldest > 1 && (
          <p>
            <a href={`/console/trail/before/${oldest}`}>Older entries</a>
          </p>
        )}
      </div>
    </>
  );
}

function ActionRow(
  { entry, outcome }: { readonly entry: ActionEntry; readonly outcome: string | undefined },
) {
  const reason = reasonIn(entry.details);
  // Being signed in is its own outcome.
  const needsNone = entry.action === "sign in" || entry.action === "sign out";
  const [tone, word]: [Tone, string] = entry.refused !== undefined
    ? ["bad", `refused: ${entry.refused}`]
    : outcome === "done"
    ? ["good", "done"]
    : outcome !== undefined
    ? ["bad", outcome]
    : needsNone
    ? ["plain", "done"]
    : ["warn", "not known"];
  return (
    <tr>
      <td class="nowrap">
        <time datetime={new Date(entry.atSeconds * 1000).toISOString()}>{formatSecond(entry.atSeconds)}</time>
      </td>
      <td class="wide">
        <b>{wordsOf(entry.action)}</b>
        {reason !== undefined && <div class="why">{reason}</div>}
        {reason === undefined && entry.details !== undefined && <div class="why mono">{entry.details}</div>}
      </td>
      <td class="who-did">
        <Who {...entry} />
      </td>
      <td class="muted">{entry.via}</td>
      <td>
        <Badge tone={tone}>{word}</Badge>
      </td>
    </tr>
  );
}

/** By what they are known, what they are called, and what else lets them in. */
function Who({ operator, by }: Pick<ActionEntry, "operator" | "by">) {
  const [, known, name] = /^(token|email|sub):(.*)$/s.exec(operator) ?? [];
  return (
    <>
      {known !== undefined && <span class="muted">{known}:</span>}
      <bdi>{name ?? operator}</bdi>
      {by !== undefined && (
        <div class="small muted">
          by <bdi>{by}</bdi>
        </div>
      )}
    </>
  );
}
