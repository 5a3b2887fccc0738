/**
 * All families of keys that the core's rooms have, so that no letter is taken twice.
 *
 * @module
 */
import { QUOTAS, REMOTE_KEYS, STORE_IDS, STORE_PINS } from "./acs/families.ts";
import { CONFIRMED_TIMES } from "./clock/families.ts";
import {
  ALIVE_KEYS,
  CLIENT_SECRETS,
  ENDED_KEYS,
  ENDED_REPLACEMENTS,
  KEY_CHAINS,
  KEY_ENDS,
  KEY_LEAVES,
  MONITOR_SECRETS,
  ORDINALS,
  SEAL_PROOFS,
  SIGNING_KEYS,
} from "./keys/families.ts";
import { CLAIMS, FENCES, LOG_ROWS, SEGMENTS, TALLIES } from "./ledger/families.ts";
import {
  AUDIT_ENTRIES,
  AUDIT_HEADS,
  COUNTERS,
  ENDED_SESSIONS,
  JOB_SUCCESSES,
  JOB_TURNS,
  PROBES,
  STORE_FORMATS,
  TOLD_HOURS,
  TOLD_SINCE,
} from "./operations/families.ts";
import { BUDGETS, RELEASES } from "./privacy/release/families.ts";
import { ALERTS, DECISIONS, RISK_DAYS, SKETCHES, TOTALS } from "./privacy/risk/families.ts";
import { familyNames, STORE_COPIES } from "./store/families.ts";

/** What a row of each family is called, in the plural, by the first part of its key. */
export const FAMILY_NAMES: ReadonlyMap<string, string> = familyNames([
  ALERTS,
  ALIVE_KEYS,
  AUDIT_ENTRIES,
  AUDIT_HEADS,
  BUDGETS,
  CLAIMS,
  CLIENT_SECRETS,
  CONFIRMED_TIMES,
  COUNTERS,
  DECISIONS,
  ENDED_KEYS,
  ENDED_REPLACEMENTS,
  ENDED_SESSIONS,
  FENCES,
  JOB_SUCCESSES,
  JOB_TURNS,
  KEY_CHAINS,
  KEY_ENDS,
  KEY_LEAVES,
  LOG_ROWS,
  MONITOR_SECRETS,
  ORDINALS,
  PROBES,
  QUOTAS,
  RELEASES,
  REMOTE_KEYS,
  RISK_DAYS,
  SEAL_PROOFS,
  SEGMENTS,
  SIGNING_KEYS,
  SKETCHES,
  STORE_COPIES,
  STORE_FORMATS,
  STORE_IDS,
  STORE_PINS,
  TALLIES,
  TOLD_HOURS,
  TOLD_SINCE,
  TOTALS,
]);
