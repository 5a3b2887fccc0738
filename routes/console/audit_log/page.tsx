/**
 * `GET /console/trail`: what operators did, newest first.
 *
 * @module
 */
import type { Action, AuditEntry, AuditLog, Outcome } from "../../../core/operations/audit_log.ts";
import { formatCount, formatSecond } from "../frame/format.ts";
import { PageHead } from "../frame/layout.tsx";
import { Badge, type Tone } from "../frame/parts.tsx";

/** Entries of one page. */
export const ENTRIES_PER_PAGE = 100;

type Verdict = Awaited<ReturnType<AuditLog["verify"]>>;
type ActionEntry = AuditEntry & Action;

/** Actions in words; what is not here stands as it is. */
const WORDS: readonly (readonly [pattern: RegExp, words: (match: RegExpExecArray) => string])[] = [
  [/^POST \/admin\/v1\/apps\/([^/]+)\/keys\/rotate$/, (match) => `Rotate the key of ${match[1]}`],
  [/^POST \/admin\/v1\/apps\/([^/]+)\/keys\/revoke$/, (match) => `Revoke keys of ${match[1]}`],
  [/^POST \/admin\/v1\/keys\/reseal$/, () => "Seal all keys again"],
  [/^POST \/admin\/v1\/audit$/, () => "Audit the store"],
  [
    /^GET \/admin\/v1\/apps\/([^/]+)\/logs\/([0-9-]+)$/,
    (match) => `Export the raw records of ${match[1]} of ${match[2]}`,
  ],
  [
    /^POST \/admin\/v1\/apps\/([^/]+)\/releases\/([0-9-]+)$/,
    (match) => `Release the figures of ${match[1]} of ${match[2]}`,
  ],
  [/^POST \/admin\/v1\/apps\/([^/]+)\/risk\/lift$/, (match) => `Lift a stop of ${match[1]}`],
  [/^sign in$/, () => "Sign in"],
  [/^sign out$/, () => "Sign out"],
];

/** An action in words. */
export function wordsOf(action: string): string {
  for (const [pattern, words] of WORDS) {
    const match = pattern.exec(action);
    if (match !== null) return words(match);
  }
  return action;
}

/** The page. */
export function AuditLogPage({ entries, before, verdict }: {
  /** Newest first, with the outcomes that stand behind the newest shown. */
  readonly entries: readonly AuditEntry[];
  /** Entries before this number are shown. */
  readonly before: number;
  readonly verdict: Verdict;
}) {
  const outcomes = new Map(
    entries.filter((entry): entry is AuditEntry & Outcome => "of" in entry).map((
      { of, outcome },
    ) => [of, outcome]),
  );
  const shown = entries.filter(({ number }) => number < before).slice(0, ENTRIES_PER_PAGE);
  const actions = shown.filter((entry): entry is ActionEntry => "action" in entry);
  const oldest = shown.at(-1)?.number ?? 1;
  return (
    <>
      <PageHead
        title="Audit trail"
        lead="Everything that operators did, through this console, the API or a command. It is written down before it is done, and every entry holds the digest of the one before it."
      />
      <div class="stack">
        {verdict.intact
          ? (
            <p class="note good">
              The trail is as it was written: {formatCount(verdict.entries)}{" "}
              {verdict.entries === 1 ? "entry" : "entries"}, digest{" "}
              <code>{verdict.digest.slice(0, 16)}</code>.
            </p>
          )
          : (
            <p class="note bad" role="alert">
              <b>Somebody changed the store behind the service:</b> the trail does not fit together at entry
              {" "}
              {verdict.at}.
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
  const [tone, word]: [Tone, string] = outcome === "done"
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
      <td>{entry.operator}</td>
      <td class="muted">{entry.via}</td>
      <td>
        <Badge tone={tone}>{word}</Badge>
      </td>
    </tr>
  );
}

/** The reason and the rest of what was sent, if it is JSON with a reason. */
function reasonIn(details: string | undefined): string | undefined {
  if (details === undefined) return undefined;
  try {
    const { reason, ...rest } = JSON.parse(details);
    if (typeof reason !== "string") return undefined;
    const others = Object.entries(rest).map(([name, value]) => `${name} ${value}`).join(", ");
    return others === "" ? reason : `${reason} (${others})`;
  } catch {
    return undefined;
  }
}
