/**
 * Reconciliation: are the records exactly those whose uses are claimed?
 *
 * A commit writes claims and their records together, so rows of one stamp must agree. Claims are swept with
 * their key and records are moved and retired; each day's tally, kept in the very commits that do so, says how many.
 *
 * @module
 */
import type { EndedKey, KeyRow } from "../keys/key_row.ts";
import type { RemoteKeyRow } from "../acs/remote/remote_keys.ts";
import { formatDay } from "../base/time.ts";
import { type DaySums, type Finding, judgeDay } from "./reconciliation_findings.ts";
import { dayName, noSums, ReconciliationScan, type ScannedKey } from "./reconciliation_scan.ts";
import { REMOTE_KEYS } from "../acs/families.ts";
import { ENDED_KEYS, SIGNING_KEYS } from "../keys/families.ts";
import { FENCES, TALLIES } from "../ledger/families.ts";
import type { Store } from "../store/store.ts";
import type { TallyRow } from "../ledger/tally.ts";

/** What an audit found. */
export interface AuditReport {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  /** Claims that were compared. */
  readonly claims: number;
  /** Records that were compared. */
  readonly records: number;
  /** The sums of each application's days. */
  readonly days: readonly DaySums[];
  /** What is wrong. */
  readonly findings: readonly Finding[];
  /** What cannot be known, a sentence each. */
  readonly unknown: readonly string[];
}

/** How an audit is made. */
export interface AuditOptions {
  /** Commits that are compared at a time; 250,000 by default. With more, the store is read several times. */
  readonly maxCommits?: number;
}

/** What changes while it is read is read again so many times. */
const MAX_RUNS = 3;

/**
 * Audits the store while the service runs on it. Reads everything, writes one row that carries nothing.
 * @param apps The ids of the configured applications.
 * @throws {StoreUnavailable} If the store does not answer.
 */
export async function auditStore(
  store: Store,
  apps: Iterable<string>,
  options: AuditOptions = {},
): Promise<AuditReport> {
  for (let run = 1, isCareful = false;; run++) {
    const before = await readTallies(store);
    // What is committed from here on is left out: it would be seen in one family of rows and not in the other.
    const fence = await store.commit((commit) => commit.set(FENCES.key(), true));
    if (fence === undefined) throw new Error("A commit without checks was refused.");
    const { maxCommits = 250_000 } = options;
    const scan = new ReconciliationScan({ store, fence, keys: await readKeys(store), maxCommits, isCareful });
    await scan.run(new Set([...apps, ...before.values().map(({ app }) => app)]));
    const after = await readTallies(store);
    const changed = changedTallies(before, after);
    if (changed.size > 0 && run < MAX_RUNS) continue;
    const made = report(scan, before, changed);
    if (made.ok || isCareful) return made;
    // Where stamps are drawn before a commit is through, one of before the fence may have come through meanwhile.
    isCareful = true;
    run = 0;
  }
}

interface Tally {
  readonly app: string;
  readonly day: number;
  readonly row: TallyRow;
  readonly stamp: string;
}

async function readTallies(store: Store): Promise<Map<string, Tally>> {
  const tallies = new Map<string, Tally>();
  for await (const { key, value, stamp } of store.list<TallyRow>(TALLIES.all())) {
    const [, app, day] = key as ["t", string, number];
    tallies.set(dayName(app, day), { app, day, row: value, stamp });
  }
  return tallies;
}

function changedTallies(before: Map<string, Tally>, after: Map<string, Tally>): Set<string> {
  const names = [...before.keys(), ...after.keys()];
  return new Set(names.filter((name) => before.get(name)?.stamp !== after.get(name)?.stamp));
}

/** Keys first, then those that ended: in the other order one that ends meanwhile would be in neither. */
async function readKeys(store: Store): Promise<Map<number, ScannedKey>> {
  const keys = new Map<number, ScannedKey>();
  for await (const { value } of store.list<KeyRow>(SIGNING_KEYS.all())) keys.set(value.ordinal, value);
  for await (const { key, value } of store.list<RemoteKeyRow>(REMOTE_KEYS.all())) {
    keys.set(value.ordinal, { app: key[1] as string });
  }
  for await (const { key, value } of store.list<EndedKey>(ENDED_KEYS.all())) {
    const ordinal = key[1] as number;
    if (!keys.has(ordinal)) keys.set(ordinal, { app: value.app });
  }
  return keys;
}

function report(scan: ReconciliationScan, tallies: Map<string, Tally>, changed: Set<string>): AuditReport {
  const findings = [...scan.findings];
  const unknown: string[] = [];
  const days: DaySums[] = [];
  for (const { app, day, row } of tallies.values()) {
    const name = dayName(app, day);
    scan.sums.set(name, { ...(scan.sums.get(name) ?? noSums(app, day)), ...row });
  }
  for (const [name, sums] of [...scan.sums].sort(([a], [b]) => a < b ? -1 : 1)) {
    days.push(sums);
    if (changed.has(name)) {
      unknown.push(`${sums.app}, ${formatDay(sums.day)}: rows were swept or moved meanwhile; audit again.`);
      continue;
    }
    const judgement = judgeDay(sums);
    findings.push(...judgement.findings);
    unknown.push(...judgement.unknown);
  }
  return {
    ok: findings.length === 0,
    claims: days.reduce((sum, day) => sum + day.claims, 0),
    records: days.reduce((sum, day) => sum + day.records + day.recordsInSegments, 0),
    days,
    findings,
    unknown,
  };
}
