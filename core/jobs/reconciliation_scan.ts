/**
 * The reading half of reconciliation: claims and records of each commit set against each other, in slices that fit
 * memory, and summed by application and day.
 *
 * @module
 */
import { decodeClaim } from "../ledger/claim_row.ts";
import {
  countRecords,
  daysWithRecords,
  readRecordRows,
  type RecordRow,
  recordsOf,
} from "../ledger/day_records.ts";
import { CLAIMS } from "../ledger/families.ts";
import { EMPTY_TALLY } from "../ledger/tally.ts";
import type { Store } from "../store/store.ts";
import type { DaySums, Finding, FindingKind } from "./reconciliation_findings.ts";

/** Commits that a finding names. */
const MAX_EXAMPLES = 10;

/** What reconciliation knows of a key. */
export interface ScannedKey {
  /** The application's id. */
  readonly app: string;
  /** Unknown of a key that ended. */
  readonly usesPerToken?: number;
}

/** Claims less records of each commit, by application and day. */
type Surplus = Map<DaySums, Map<string, number>>;

/** What is scanned. */
export interface ReconciliationScanOptions {
  /** The store. */
  readonly store: Store;
  /** The stamp up to which commits are compared. */
  readonly fence: string;
  /** By ordinal. */
  readonly keys: ReadonlyMap<number, ScannedKey>;
  /** Commits that are compared at a time. */
  readonly maxCommits: number;
  /**
   * Whether only commits are compared of which a row was seen before anything was read: they are through, so that all
   * their rows are there. Everything is read twice.
   */
  readonly isCareful: boolean;
}

/** Reads claims and records and sets them against each other, commit by commit. */
export class ReconciliationScan {
  /** The sums of each application's days, by {@linkcode dayName}. */
  readonly sums: Map<string, DaySums> = new Map();
  /** What is wrong with single rows. */
  readonly findings: Finding[] = [];
  readonly #store: Store;
  readonly #fence: string;
  readonly #keys: ReadonlyMap<number, ScannedKey>;
  readonly #maxCommits: number;
  readonly #isCareful: boolean;
  #slices = 1;

  /** Nothing is read yet. */
  constructor({ store, fence, keys, maxCommits, isCareful }: ReconciliationScanOptions) {
    this.#store = store;
    this.#fence = fence;
    this.#keys = keys;
    this.#maxCommits = maxCommits;
    this.#isCareful = isCareful;
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
    const through = this.#isCareful ? await this.#readStamps(slice, apps) : undefined;
    if (through !== undefined && through.size > this.#maxCommits) return undefined;
    const isCompared = (stamp: string) => this.#isInSlice(slice, stamp) && (through?.has(stamp) ?? true);
    let commits = 0;
    const add = (sums: DaySums, stamp: string, count: number) => {
      const ofDay = surplus.get(sums) ?? new Map<string, number>();
      surplus.set(sums, ofDay);
      const before = ofDay.get(stamp);
      if (before === undefined) commits++;
      ofDay.set(stamp, (before ?? 0) + count);
    };
    for await (const { key, value, stamp } of this.#claims()) {
      if (!isCompared(stamp)) continue;
      const sums = this.#readClaim(key[1], value, stamp);
      if (sums !== undefined) add(sums, stamp, 1);
      if (commits > this.#maxCommits) return undefined;
    }
    for (const app of apps) {
      for await (const day of daysWithRecords(this.#store, app, Infinity)) {
        for await (const row of readRecordRows(this.#store, app, day)) {
          if (!isCompared(row.stamp)) continue;
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

  #claims() {
    // Claims are small: as many at a time as the engine gives.
    return this.#store.list<unknown>(CLAIMS.all(), { batchSize: this.#store.limits.rowsPerPage });
  }

  /** The commits of a slice of which a row is there; at most one more than are compared at a time. */
  async #readStamps(slice: number, apps: Set<string>): Promise<ReadonlySet<string>> {
    const stamps = new Set<string>();
    const add = (stamp: string) => {
      if (this.#isInSlice(slice, stamp)) stamps.add(stamp);
      return stamps.size <= this.#maxCommits;
    };
    for await (const { stamp } of this.#claims()) if (!add(stamp)) return stamps;
    for (const app of apps) {
      for await (const day of daysWithRecords(this.#store, app, Infinity)) {
        for await (const { stamp } of readRecordRows(this.#store, app, day)) if (!add(stamp)) return stamps;
      }
    }
    return stamps;
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
    const name = dayName(app, day);
    const sums = this.sums.get(name) ?? noSums(app, day);
    this.sums.set(name, sums);
    return sums;
  }
}

/** The name of an application's day among the sums. */
export function dayName(app: string, day: number): string {
  return `${app} ${day}`;
}

/** The sums of a day of which nothing was read. */
export function noSums(app: string, day: number): DaySums {
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
