/**
 * What the capacity plan computes with: every number with where it comes from. Measured ones are those of
 * docs/performance.md; a faster or quieter machine has others, and this is the one place to change them.
 *
 * @module
 */

/** A number and where it comes from. */
export interface Cost {
  /** The number. */
  readonly value: number;
  /** Its unit. */
  readonly unit: string;
  /** What it is. */
  readonly what: string;
  /** Measured on the machine of docs/performance.md, set in this code, published by somebody else, or assumed. */
  readonly kind: "measured" | "set here" | "published" | "assumed";
  /** The command that measured it, the page that says it, or why it is assumed. */
  readonly source: string;
}

function measured(value: number, unit: string, what: string, source: string): Cost {
  return { value, unit, what, kind: "measured", source };
}

function published(value: number, unit: string, what: string, source: string): Cost {
  return { value, unit, what, kind: "published", source };
}

function setHere(value: number, unit: string, what: string, source: string): Cost {
  return { value, unit, what, kind: "set here", source };
}

function assumed(value: number, unit: string, what: string, source: string): Cost {
  return { value, unit, what, kind: "assumed", source };
}

const PRICES = "prices of Deno Deploy's Pro plan as collected in May 2026";

/** All of them by name. */
export const COSTS = {
  logCpuMs: measured(0.39, "ms", "CPU of a log with a token in memory", "bench:http, reused token"),
  evaluationCpuMs: measured(
    0.423,
    "ms",
    "CPU of evaluating a token that is not",
    "bench:http, first use less reuse",
  ),
  tokenRequestCpuMs: measured(
    1.67,
    "ms",
    "CPU of a token request without its tokens",
    "bench:http, issuing one token less one of thirty",
  ),
  tokenCpuMs: measured(0.448, "ms", "CPU of signing a token", "bench:http, issuing 30 tokens"),
  documentCpuMs: assumed(
    0.25,
    "ms",
    "CPU of serving a document",
    "like a log without credentials in bench:http",
  ),
  fileClaimBytes: measured(
    75,
    "bytes",
    "a claim in an SQLite file",
    "bench:scale, its filling: 15 MB for 200,000",
  ),
  claimBytes: setHere(51, "bytes", "a claim's key and value", "core/store: 22 + 8 and 21 bytes"),
  quotaBytes: setHere(
    137,
    "bytes",
    "a quota row's key and value",
    "core/acs/issuance.ts: 20 + 8 and 109 bytes",
  ),
  recordBytes: measured(42, "bytes", "a record without its events", "bench:segments: 297 bytes with two"),
  eventBytes: measured(128, "bytes", "an event of a record", "bench:segments"),
  segmentEventBytes: measured(15.5, "bytes", "an event in a segment", "bench:segments: 31 bytes for two"),
  fileLogsPerSecond: measured(
    3_129,
    "a second",
    "logs of one process on one file",
    "bench:http, reused token",
  ),
  endpointClaimsPerSecond: measured(
    6_298,
    "a second",
    "claims through one KV Connect endpoint, nine a commit",
    "bench:ledger",
  ),
  logHeaderBytes: measured(245, "bytes", "a log without its body, up", "bench:client"),
  logAnswerBytes: measured(244, "bytes", "its answer, down", "bench:client"),
  tokenRequestBytes: measured(321, "bytes", "a token request without its elements, up", "bench:client"),
  tokenAnswerBytes: measured(315, "bytes", "its answer without its elements, down", "bench:client"),
  documentBytes: measured(2_410, "bytes", "directory and schema, down", "bench:client"),
  cachedTokens: setHere(100_000, "tokens", "MAC keys that a process holds", "core/acs/mac_keys.ts"),
  deployChecks: published(100, "checks", "in a commit of Deno Deploy's KV", "limits of Deno KV"),
  denokvChecks: published(10, "checks", "in a commit of a self-hosted denokv", "denokv, limits.rs"),
  deployInFlight: setHere(4, "commits", "at once of one process over a network", "boot/server.ts"),
  deployCommitMs: assumed(
    20,
    "ms",
    "a commit on Deno Deploy in its region",
    "published: 7 ms for a strong read in us-east4, 94 ms from Frankfurt",
  ),
  denokvCommitMs: assumed(
    5,
    "ms",
    "a commit on a denokv in the same network",
    "bench:ledger without its queue",
  ),
  writeUnitDollars: published(
    2.5,
    "$ a million",
    "write units: a commit's keys and values in KiB, rounded up",
    PRICES,
  ),
  readUnitDollars: published(1, "$ a million", "read units of 4 KiB", PRICES),
  storageDollars: published(0.75, "$ a GB and month", "storage", PRICES),
  cpuDollars: published(0.05, "$ an hour", "CPU", PRICES),
  requestDollars: published(2, "$ a million", "requests", PRICES),
  egressDollars: published(0.5, "$ a GB", "egress", PRICES),
  utilisation: assumed(
    0.7,
    "",
    "share of a core that a process may use at the peak",
    "room for the unexpected",
  ),
  diskBytes: assumed(4e12, "bytes", "disk of one store", "a common large volume"),
} satisfies Record<string, Cost>;
