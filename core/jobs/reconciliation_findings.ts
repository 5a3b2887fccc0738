/**
 * What the sums of a day say: which of them cannot be, and what they leave open.
 *
 * @module
 */
import { formatDay } from "../base/time.ts";
import type { TallyRow } from "../ledger/tally.ts";

/** A kind of damage. */
export type FindingKind =
  /** Claims of a commit without their records: records were lost, or claims were added. */
  | "record_missing"
  /** Records of a commit without their claims: claims were lost, records were added or doubled, or the tally misses claims that were swept. */
  | "claim_missing"
  /** The day's sums do not add up. */
  | "day_unbalanced"
  /** A tally says what cannot be. */
  | "tally_wrong"
  /** A claim under a key that does not exist. */
  | "claim_of_unknown_key"
  /** A claim of a use that its key does not allow. */
  | "use_out_of_range"
  /** A row of the claims that is none. */
  | "claim_malformed"
  /** A row of records that is none. */
  | "row_malformed";

/** Something that is wrong. */
export interface Finding {
  /** What kind of damage. */
  readonly kind: FindingKind;
  /** How many claims, records or rows. */
  readonly count: number;
  /** The application, where it is known. */
  readonly app?: string;
  /** The day since 1970, where it is known. */
  readonly day?: number;
  /** Versionstamps of commits in which to look, at most ten. */
  readonly commits?: readonly string[];
  /** One sentence for a person. */
  readonly explanation: string;
}

/** The sums of an application's day. */
export interface DaySums extends TallyRow {
  /** The application's id. */
  readonly app: string;
  /** Days since 1970. */
  readonly day: number;
  /** Claims with a record here. */
  claims: number;
  /** Claims whose records another server keeps. */
  claimsElsewhere: number;
  /** Records in the rows in which they were committed. */
  records: number;
  /** Records that were moved into segments. */
  recordsInSegments: number;
  /** Claims beyond the records of their commit, over all commits. */
  surplusClaims: number;
  /** Records beyond the claims of their commit, over all commits. */
  surplusRecords: number;
  /** Some commits with more claims than records. */
  readonly commitsWithSurplusClaims: string[];
  /** Some commits with more records than claims. */
  readonly commitsWithSurplusRecords: string[];
}

/** What is wrong with a day, and what cannot be said of it. */
export function judgeDay(sums: DaySums): { findings: Finding[]; unknown: string[] } {
  const { app, day, claims, claimsSwept, records, recordsInSegments, recordsMoved, recordsRetired } = sums;
  const findings: Finding[] = [];
  const find = (kind: FindingKind, count: number, explanation: string, commits: readonly string[] = []) =>
    findings.push({ kind, count, app, day, ...(commits.length === 0 ? {} : { commits }), explanation });

  // Records that have left the rows in which they were committed: moved ones are in segments until they are removed.
  const recordsGone = recordsInSegments + recordsRetired;
  if (sums.surplusClaims > recordsGone) {
    find(
      "record_missing",
      sums.surplusClaims - recordsGone,
      "uses are claimed in commits that hold no records for them: records were lost, claims were added, or the tally " +
        "misses records that were removed",
      sums.commitsWithSurplusClaims,
    );
  }
  if (sums.surplusRecords > claimsSwept) {
    find(
      "claim_missing",
      sums.surplusRecords - claimsSwept,
      "records lie in commits that claim no uses for them: claims were lost, records were added or doubled, or the " +
        "tally misses claims that were swept",
      sums.commitsWithSurplusRecords,
    );
  }
  const counts = [claimsSwept, recordsMoved, recordsRetired];
  if (counts.some((count) => !Number.isSafeInteger(count) || count < 0)) {
    find("tally_wrong", 1, "the tally holds what is no count");
  } else if (recordsInSegments > recordsMoved) {
    find(
      "tally_wrong",
      recordsInSegments - recordsMoved,
      "segments hold more records than were ever moved: records were added or doubled, or the tally is wrong",
    );
  } else if (recordsMoved > recordsGone) {
    find(
      "tally_wrong",
      recordsMoved - recordsGone,
      "more records were moved than segments hold and retention removed: records were lost, or the tally is wrong",
    );
  }
  const balance = claims + claimsSwept - records - recordsInSegments - recordsRetired;
  // An imbalance is the sum of what the commits show, unless the tally is what is wrong.
  if (balance !== 0 && findings.length === 0) {
    find(
      "day_unbalanced",
      Math.abs(balance),
      balance > 0
        ? "the day has more uses, claimed or swept, than records: records were lost, or the tally is wrong"
        : "the day has more records than uses, claimed or swept: records were added, or the tally is wrong",
    );
  }
  return { findings, unknown: whatIsUnknown(sums) };
}

function whatIsUnknown(sums: DaySums): string[] {
  const name = `${sums.app}, ${formatDay(sums.day)}`;
  const unknown: string[] = [];
  if (sums.claimsSwept > 0) {
    unknown.push(
      `${name}: ${sums.claimsSwept} claims were swept with their keys, so their records are compared as a sum only: ` +
        "a lost record and an added one would cancel out.",
    );
  }
  if (sums.recordsMoved + sums.recordsRetired > 0) {
    unknown.push(
      `${name}: ${sums.recordsMoved} records were moved and ${sums.recordsRetired} removed after their retention, ` +
        "so their claims are compared as a sum only.",
    );
  }
  if (sums.claimsElsewhere > 0) {
    unknown.push(
      `${name}: ${sums.claimsElsewhere} uses were claimed for another server, which alone can say whether it has ` +
        "their records.",
    );
  }
  return unknown;
}
