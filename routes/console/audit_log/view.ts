/**
 * What the page of the audit log shows: actions with their outcomes, in words.
 *
 * @module
 */
import {
  type Action,
  type AuditEntry,
  type AuditLog,
  type Outcome,
  visibleEntry,
} from "../../../core/operations/audit_log.ts";

/** Entries of one page. */
const ENTRIES_PER_PAGE = 100;
/** The outcome of an action stands so many entries behind it at most. */
const OUTCOME_WITHIN = 32;

/** An action that was written down. */
export type ActionEntry = AuditEntry & Action;

/** One page of the audit log. */
export interface AuditLogView {
  /** Newest first. */
  readonly actions: readonly ActionEntry[];
  /** What became of actions, by their numbers. */
  readonly outcomes: ReadonlyMap<number, string>;
  /** The number of the oldest entry that was looked at. */
  readonly oldest: number;
  /** Whether the audit log is as it was written. */
  readonly verdict: Awaited<ReturnType<AuditLog["verify"]>>;
}

/** Reads the entries before a number; the newest without one. */
export async function readAuditLog(
  auditLog: AuditLog,
  before = Number.MAX_SAFE_INTEGER - OUTCOME_WITHIN,
): Promise<AuditLogView> {
  const [entries, verdict] = await Promise.all([
    auditLog.latest(ENTRIES_PER_PAGE + OUTCOME_WITHIN, before + OUTCOME_WITHIN),
    auditLog.verify(),
  ]);
  const shown = entries.map(visibleEntry).filter(({ number }) => number < before).slice(0, ENTRIES_PER_PAGE);
  return {
    actions: shown.filter((entry): entry is ActionEntry => "action" in entry),
    outcomes: new Map(
      entries.filter((entry): entry is AuditEntry & Outcome => "of" in entry)
        .map(({ of, outcome }) => [of, outcome]),
    ),
    oldest: shown.at(-1)?.number ?? 1,
    verdict,
  };
}

/** Actions in words; what is not here stands as it is. */
const WORDS: readonly (readonly [pattern: RegExp, words: (match: RegExpExecArray) => string])[] = [
  [/^POST \/admin\/v1\/apps\/([^/]+)\/keys\/rotate$/, (match) => `Rotate the key of ${match[1]}`],
  [/^POST \/admin\/v1\/apps\/([^/]+)\/keys\/revoke$/, (match) => `Revoke keys of ${match[1]}`],
  [
    /^POST \/admin\/v1\/apps\/([^/]+)\/keys\/replace$/,
    (match) => `Replace the keys of ${match[1]} that are gone`,
  ],
  [/^POST \/admin\/v1\/time\/confirm$/, () => "Confirm the time"],
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
  [
    /^publish releases of ([^ ]+) of ([0-9-]+)$/,
    (match) => `Publish the figures of ${match[1]} of ${match[2]}`,
  ],
  [/^POST \/admin\/v1\/apps\/([^/]+)\/risk\/lift$/, (match) => `Lift a stop of ${match[1]}`],
  [
    /^(GET|POST) (\/console\/.*)$/,
    (match) => `${match[1] === "GET" ? "Open" : "Send the form of"} ${match[2]}`,
  ],
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

/** The reason and the rest of what was sent, if it is JSON with a reason. */
export function reasonIn(details: string | undefined): string | undefined {
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
