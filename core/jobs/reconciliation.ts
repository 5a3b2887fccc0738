/**
 * The audit: are the records exactly those whose uses are claimed?
 *
 * A commit writes claims and their records together, so rows of one stamp must agree. Claims are swept with
 * their key and records are moved and retired; each day's tally, kept in the very commits that do so, says how many.
 *
 * @module
 */
import type { EndedKey, KeyRow } from "../keys/key_row.ts";
import type { RemoteKeyRow } from "../acs/remote/remote_keys.ts";
import { formatDay } from "../base/time.ts";
import { type DaySums, type Finding, type FindingKind, judgeDay } from "./reconciliation_findings.ts";
import { decodeClaim } from "../ledger/claim_row.ts";
import {
  countRecords,
  daysWithRecords,
  readRecordRows,
  type RecordRow,
  recordsOf,
} from "../ledger/day_records.ts";
import { REMOTE_KEYS } from "../acs/families.ts";
import { ENDED_KEYS, SIGNING_KEYS } from "../keys/families.ts";
import { CLAIMS, FENCES, TALLIES } from "../ledger/families.ts";
import type { Store } from "../store/store.ts";
import { EMPTY_TALLY, type TallyRow } from "../ledger/tally.ts";

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
  /** Commits that are compared at a time; 250,000 by default, some 20 MB. With more, the store is read several times. */
  readonly maxCommits?: number;
}

/** What changes while it is read is read again so many times. */
const MAX_RUNS = 3;
/** Commits that a finding names. */
const MAX_EXAMPLES = 10;

interface Key {
  readonly app: string;
  /** Unknown of a key that ended. */
  readonly usesPerToken?: number;
}

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
  for (let run = 1;; run++) {
    const before = await readTallies(store);
    // What is committed from here on is left out: it would be seen in one family of rows and not in the other.
    const fence = await store.commit((commit) => commit.set(FENCES.key(), true));
    if (fence === undefined) throw new Error("A commit without checks was refused.");
    const { maxCommits = 250_000 } = options;
    const scan = new Scan({ store, fence, keys: await readKeys(store), maxCommits });
    await scan.run(new Set([...apps, ...before.values().map(({ app }) => app)]));
    const after = await readTallies(store);
    const changed = changedTallies(before, after);
    if (changed.size === 0 || run === MAX_RUNS) return report(scan, before, changed);
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
    tallies.set(nameOf(app, day), { app, day, row: value, stamp });
  }
  return tallies;
}

function changedTallies(before: Map<string, Tally>, after: Map<string, Tally>): Set<string> {
  const names = [...before.keys(), ...after.keys()];
  return new Set(names.filter((name) => before.get(name)?.stamp !== after.get(name)?.stamp));
}

/** Keys first, then those that ended: in the other order one that ends meanwhile would be in neither. */
async function readKeys(store: Store): Promise<Map<number, Key>> {
  const keys = new Map<number, Key>();
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

/** Claims less records of each commit, by application and day. */
type Surplus = Map<DaySums, Map<string, number>>;

/** What is scanned. */
interface ScanOptions {
  readonly store: Store;
  /** The stamp up to which commits are compared. */
  readonly fence: string;
  readonly keys: ReadonlyMap<number, Key>;
  /** Commits that are compared at a time. */
  readonly maxCommits: number;
}

/** Reads claims and records and sets them against each other, commit by commit. */
class Scan {
  readonly sums = new Map<string, DaySums>();
  readonly findings: Finding[] = [];
  readonly #store: Store;
  readonly #fence: string;
  readonly #keys: ReadonlyMap<number, Key>;
  readonly #maxCommits: number;
  #slices = 1;

  constructor({ store, fence, keys, maxCommits }: ScanOptions) {
    this.#store = store;
    this.#fence = fence;
    this.#keys = keys;
    this.#maxCommits = maxCommits;
  }

  /** Commits are compared in slices, so that memory is bounded however many there are. */
  async run(apps: Set<string>): Promise<void> {
    for (const { app } of this.#keys.values()) apps.add(app);
    for (let slice = 0; slice < this.#slices;) {
      const surplus = await this.#readSlice(slice, apps);
      if (surplus !== undefined) {
        for (const [sums, commits] of surplus) addSurplus(sums, commits);
        slice++;
        continue;
      }
      // Too many commits for one go: more and smaller slices, from the start.
      this.#slices *= 2;
      this.sums.clear();
      this.findings.length = 0;
      slice = 0;
    }
  }

  /** Gives undefined when the slice has too many commits. */
  async #readSlice(slice: number, apps: Set<string>): Promise<Surplus | undefined> {
    const surplus: Surplus = new Map();
    let commits = 0;
    const add = (sums: DaySums, stamp: string, count: number) => {
      const ofDay = surplus.get(sums) ?? new Map<string, number>();
      surplus.set(sums, ofDay);
      const before = ofDay.get(stamp);
      if (before === undefined) commits++;
      ofDay.set(stamp, (before ?? 0) + count);
    };
    const claims = this.#store.list<unknown>(CLAIMS.all(), {
      // Claims are small: as many at a time as the engine gives.
      batchSize: this.#store.limits.rowsPerPage,
    });
    for await (const { key, value, stamp } of claims) {
      if (!this.#isInSlice(slice, stamp)) continue;
      const sums = this.#readClaim(key[1], value, stamp);
      if (sums !== undefined) add(sums, stamp, 1);
      if (commits > this.#maxCommits) return undefined;
    }
    for (const app of apps) {
      for await (const day of daysWithRecords(this.#store, app, Infinity)) {
        for await (const row of readRecordRows(this.#store, app, day)) {
          if (!this.#isInSlice(slice, row.stamp)) continue;
          const sums = this.#sumsOf(app, day);
          const records = this.#readRow(row);
          if (row.kind === "segment") sums.recordsInSegments += records;
          else {
            sums.records += records;
            add(sums, row.stamp, -records);
          }
          if (commits > this.#maxCommits) return undefined;
        }
      }
    }
    return surplus;
  }

  #isInSlice(slice: number, stamp: string): boolean {
    // The last four digits tell the order within a commit of some stores; those before them count the commits.
    return stamp <= this.#fence && parseInt(stamp.slice(8, 16), 16) % this.#slices === slice;
  }

  /** The day that a claim's record belongs to, if it has one here. */
  #readClaim(id: unknown, value: unknown, stamp: string): DaySums | undefined {
    const claim = decodeClaim(value);
    if (!(id instanceof Uint8Array) || id.length !== 22 || claim === undefined) {
      this.#find("claim_malformed", stamp, "a row among the claims is no claim");
      return undefined;
    }
    const view = new DataView(id.buffer, id.byteOffset);
    const key = this.#keys.get(view.getUint32(0));
    if (key === undefined) {
      this.#find("claim_of_unknown_key", stamp, "a use is claimed under a key that does not exist");
      return undefined;
    }
    if (view.getUint16(20) >= (key.usesPerToken ?? Infinity)) {
      this.#find("use_out_of_range", stamp, "a use is claimed that its key does not allow");
    }
    const sums = this.#sumsOf(key.app, claim.day);
    if (!claim.recorded) {
      sums.claimsElsewhere++;
      return undefined;
    }
    sums.claims++;
    return sums;
  }

  #readRow(row: RecordRow): number {
    try {
      const records = recordsOf(row).length;
      if (records > 0 && records === countRecords(row)) return records;
    } catch {
      // A segment that does not unpack is as wrong as one that holds another number of records than it says.
    }
    this.#find("row_malformed", row.stamp, "a row of records does not hold the lines that it should");
    return 0;
  }

  /** Adds to a finding of the same kind: of many, the first commits are named. */
  #find(kind: FindingKind, stamp: string, explanation: string): void {
    const index = this.findings.findIndex((finding) => finding.kind === kind);
    const { count = 0, commits = [] } = this.findings[index] ?? {};
    const finding: Finding = {
      kind,
      count: count + 1,
      commits: commits.length < MAX_EXAMPLES ? [...commits, stamp] : commits,
      explanation,
    };
    if (index === -1) this.findings.push(finding);
    else this.findings[index] = finding;
  }

  #sumsOf(app: string, day: number): DaySums {
    const name = nameOf(app, day);
    const sums = this.sums.get(name) ?? noSums(app, day);
    this.sums.set(name, sums);
    return sums;
  }
}

function nameOf(app: string, day: number): string {
  return `${app} ${day}`;
}

function noSums(app: string, day: number): DaySums {
  return {
    app,
    day,
    claims: 0,
    claimsElsewhere: 0,
    records: 0,
    recordsInSegments: 0,
    surplusClaims: 0,
    surplusRecords: 0,
    commitsWithSurplusClaims: [],
    commitsWithSurplusRecords: [],
    ...EMPTY_TALLY,
  };
}

function addSurplus(sums: DaySums, commits: ReadonlyMap<string, number>): void {
  for (const [stamp, surplus] of commits) {
    if (surplus === 0) continue;
    const examples = surplus > 0 ? sums.commitsWithSurplusClaims : sums.commitsWithSurplusRecords;
    if (examples.length < MAX_EXAMPLES) examples.push(stamp);
    if (surplus > 0) sums.surplusClaims += surplus;
    else sums.surplusRecords -= surplus;
  }
}

function report(scan: Scan, tallies: Map<string, Tally>, changed: Set<string>): AuditReport {
  const findings = [...scan.findings];
  const unknown: string[] = [];
  const days: DaySums[] = [];
  for (const { app, day, row } of tallies.values()) {
    const name = nameOf(app, day);
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
