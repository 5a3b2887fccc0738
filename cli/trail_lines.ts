/**
 * The audit log as lines for a terminal.
 *
 * @module
 */
import { type AuditEntry, visibleEntry } from "../core/operations/audit_log.ts";

/** A name in which no space can be taken for what stands between names. */
function quoted(name: string): string {
  return /[\s"]/.test(name) ? `"${name.replaceAll('"', '\\"')}"` : name;
}

/** A line for each action among entries, in their order: when, who, through what, what, what came of it, what was sent. */
export function trailLines(latest: readonly AuditEntry[]): string[] {
  const outcomes = new Map(
    latest.flatMap((entry) => "of" in entry ? [[entry.of, entry.outcome] as const] : []),
  );
  return latest.flatMap((entry) => {
    // What a terminal shows is not turned around by what somebody wrote.
    const shown = visibleEntry(entry);
    if (!("action" in shown)) return [];
    const { number, atSeconds, operator, by, via, action, details, refused } = shown;
    const outcome = refused === undefined ? outcomes.get(number) : `refused: ${refused}`;
    const who = by === undefined ? quoted(operator) : `${quoted(operator)} by ${quoted(by)}`;
    const what = outcome === undefined ? action : `${action} (${outcome})`;
    const when = new Date(atSeconds * 1000).toISOString().replace(".000", "");
    return [[when, who, via, what, ...details === undefined ? [] : [details]].join("  ")];
  });
}
