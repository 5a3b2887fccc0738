/**
 * What the families of the key space are called for people.
 *
 * @module
 */

/** Names by the first part of a key (core/store/kv.ts): what a row of the family is, in the plural. */
export const FAMILY_NAMES: Readonly<Record<string, string>> = {
  a: "keys that are alive",
  b: "keys of an ACS elsewhere",
  c: "claimed uses",
  d: "keys to sweep after",
  e: "ends of keys",
  f: "lines of the audit",
  g: "segments of shuffled logs",
  h: "keys to the names of clients",
  i: "releases",
  j: "privacy budgets",
  k: "signing keys",
  l: "rows of shuffled logs",
  m: "monitor secret",
  n: "hours of counters",
  o: "counter of keys",
  p: "probes",
  q: "quotas",
  r: "risk sketches",
  rd: "days of risk figures",
  t: "daily tallies",
  u: "entries of the operators' trail",
  v: "proofs of the sealing key",
  w: "end of the operators' trail",
  x: "decisions about risk",
  y: "console sessions that were ended",
  z: "alerts",
};
