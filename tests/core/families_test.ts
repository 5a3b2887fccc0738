import { assertEquals } from "@std/assert";
import { concat, u16, u32 } from "../../core/base/bytes.ts";
import { quotaKey, QUOTAS, quotasOf, REMOTE_KEYS, STORE_IDS, STORE_PINS } from "../../core/acs/families.ts";
import { CONFIRMED_TIMES } from "../../core/clock/families.ts";
import { FAMILY_NAMES } from "../../core/families.ts";
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
} from "../../core/keys/families.ts";
import {
  CLAIMS,
  claimsOf,
  FENCES,
  LOG_ROWS,
  logsBefore,
  logsFrom,
  SEGMENTS,
  segmentsFrom,
  TALLIES,
} from "../../core/ledger/families.ts";
import { claimId, logRowId } from "../../core/ledger/row_ids.ts";
import {
  AUDIT_ENTRIES,
  AUDIT_HEADS,
  COUNTERS,
  countersOf,
  ENDED_SESSIONS,
  JOB_SUCCESSES,
  JOB_TURNS,
  PROBES,
  STORE_FORMATS,
  TOLD_HOURS,
  TOLD_SINCE,
  toldHoursOf,
} from "../../core/operations/families.ts";
import {
  budgetGuard,
  BUDGETS,
  budgetsOf,
  RELEASES,
  releasesOf,
} from "../../core/privacy/release/families.ts";
import {
  ALERTS,
  DECISIONS,
  RISK_DAYS,
  riskDaysOf,
  sketchesBefore,
  sketchKey,
  sketchOf,
  TOTALS,
} from "../../core/privacy/risk/families.ts";
import type { Key, Range } from "../../core/store/port.ts";
import { STORE_COPIES } from "../../core/store/families.ts";

const ID = new Uint8Array(16).fill(7);
const SKETCH = { app: "notes", period: 2, event: "e", layout: "l", dimension: "d" };

/** A store that was written before opens after: these keys are what lies in it. */
const KEYS: readonly (readonly [made: Key, stored: Key])[] = [
  [ALIVE_KEYS.key(3), ["a", 3]],
  [REMOTE_KEYS.key("notes", ID), ["b", "notes", ID]],
  [CLAIMS.key(claimId(5, ID, 9)), ["c", concat(u32(5), ID, u16(9))]],
  [CONFIRMED_TIMES.key(), ["ct"]],
  [ENDED_KEYS.key(3), ["d", 3]],
  [KEY_CHAINS.key("notes", "eu"), ["kc", "notes", "eu"]],
  [KEY_ENDS.key("notes", "eu"), ["e", "notes", "eu"]],
  [KEY_LEAVES.key("notes", "eu", 7), ["kl", "notes", "eu", 7]],
  [ENDED_REPLACEMENTS.key("notes", "eu", 4, 1), ["er", "notes", "eu", 4, 1]],
  [FENCES.key(), ["f"]],
  [SEGMENTS.key("notes", 20_000, ID), ["g", "notes", 20_000, ID]],
  [CLIENT_SECRETS.key(), ["h"]],
  [RELEASES.key("notes"), ["i", "notes"]],
  [RELEASES.key("notes", 20_000, "crashes", 1), ["i", "notes", 20_000, "crashes", 1]],
  [BUDGETS.key("notes", 20_000), ["j", "notes", 20_000]],
  [budgetGuard("notes"), ["j", "notes", "guard"]],
  [SIGNING_KEYS.key("notes", "eu", 4, 1), ["k", "notes", "eu", 4, 1]],
  [
    LOG_ROWS.key("notes", 20_000, logRowId(13, () => new Uint8Array(11))),
    ["l", "notes", 20_000, concat(Uint8Array.of(13), new Uint8Array(11))],
  ],
  [MONITOR_SECRETS.key(), ["m"]],
  [COUNTERS.key(480_000, "notes", "process"), ["n", 480_000, "notes", "process"]],
  [JOB_SUCCESSES.key("releases"), ["nj", "releases"]],
  [JOB_TURNS.key("releases"), ["nw", "releases"]],
  [TOLD_SINCE.key(), ["ns"]],
  [TOLD_HOURS.key(480_000, "process"), ["nt", 480_000, "process"]],
  [ORDINALS.key(), ["o"]],
  [PROBES.key(), ["p"]],
  [quotaKey(5, ID), ["q", concat(u32(5), ID)]],
  [sketchKey(SKETCH, 8, 3), ["r", "notes", 2, "e", "l", "d", 8, 3]],
  [RISK_DAYS.key("notes", 20_000, "e"), ["rd", "notes", 20_000, "e"]],
  [TOTALS.key("notes", 2, "l", 3), ["rt", "notes", 2, "l", 3]],
  [STORE_COPIES.key(), ["sc"]],
  [STORE_FORMATS.key(), ["sf"]],
  [STORE_IDS.key(), ["si"]],
  [STORE_PINS.key("notes"), ["sp", "notes"]],
  [TALLIES.key("notes", 20_000), ["t", "notes", 20_000]],
  [AUDIT_ENTRIES.key(1), ["u", 1]],
  [SEAL_PROOFS.key(), ["v"]],
  [AUDIT_HEADS.key(), ["w"]],
  [DECISIONS.key("notes", "e", ""), ["x", "notes", "e", ""]],
  [ENDED_SESSIONS.key("id"), ["y", "id"]],
  [ALERTS.key("notes", 2, "e", "l", "", "stop"), ["z", "notes", 2, "e", "l", "", "stop"]],
];

const MANY = Number.MAX_SAFE_INTEGER;
const RANGES: readonly (readonly [made: Range, spelled: Range])[] = [
  [SIGNING_KEYS.all(), { prefix: ["k"] }],
  [SIGNING_KEYS.prefix("notes", "eu"), { prefix: ["k", "notes", "eu"] }],
  [quotasOf(5), { start: ["q", u32(5)], end: ["q", u32(6)] }],
  [claimsOf(255), { start: ["c", u32(255)], end: ["c", u32(256)] }],
  [claimsOf(0xffffffff), { start: ["c", u32(0xffffffff)], end: ["c", new Uint8Array(5).fill(0xff)] }],
  [logsBefore("notes", 3, 13), { start: ["l", "notes", 3], end: ["l", "notes", 3, Uint8Array.of(13)] }],
  [logsFrom("notes", 3), { start: ["l", "notes", 3], end: ["l", "notes", MANY] }],
  [segmentsFrom("notes", 3), { start: ["g", "notes", 3], end: ["g", "notes", MANY] }],
  [countersOf(3, 5), { start: ["n", 3], end: ["n", 6] }],
  [toldHoursOf(3, 5), { start: ["nt", 3], end: ["nt", 6] }],
  [releasesOf("notes", 3, 5), { start: ["i", "notes", 3], end: ["i", "notes", 6] }],
  [budgetsOf("notes", 3, 5), { start: ["j", "notes", 3], end: ["j", "notes", 6] }],
  [riskDaysOf("notes", 3, 5), { start: ["rd", "notes", 3], end: ["rd", "notes", 6] }],
  [sketchOf(SKETCH), { prefix: ["r", "notes", 2, "e", "l", "d"] }],
  [sketchesBefore("notes", 2), { start: ["r", "notes"], end: ["r", "notes", 2] }],
];

Deno.test("the key of every family is what a store holds that was written before", () => {
  for (const [made, stored] of KEYS) assertEquals(made, stored);
  assertEquals(new Set(KEYS.map(([made]) => made[0])), new Set(FAMILY_NAMES.keys()));
  assertEquals(QUOTAS.letter, "q");
});

Deno.test("ranges of rows are spelled as their keys are", () => {
  for (const [made, spelled] of RANGES) assertEquals(made, spelled);
});

Deno.test("operators see each family under its own words", () => {
  assertEquals(Object.fromEntries([...FAMILY_NAMES].sort()), {
    a: "keys that are alive",
    b: "keys of an ACS elsewhere",
    c: "claimed uses",
    ct: "confirmed times",
    d: "keys to sweep after",
    e: "ends of keys",
    er: "replacements that ended",
    f: "lines of the audit",
    g: "segments of shuffled logs",
    h: "keys to the names of clients",
    i: "releases",
    j: "privacy budgets",
    k: "signing keys",
    kc: "chains of keys",
    kl: "leaves of chains of keys",
    l: "rows of shuffled logs",
    m: "monitor secret",
    n: "hours of counters",
    nj: "last successes of jobs",
    ns: "beginning of the telling of counters",
    nt: "hours of counters that were told",
    nw: "turns of jobs",
    o: "counter of keys",
    p: "probes",
    q: "quotas",
    r: "risk sketches",
    rt: "samples of totals",
    rd: "days of risk figures",
    sc: "marks of a copy of the store",
    sf: "format of the store",
    si: "ids of the store",
    sp: "stores of log servers",
    t: "daily tallies",
    u: "entries of the audit log",
    v: "proofs of the sealing key",
    w: "end of the audit log",
    x: "decisions about risk",
    y: "console sessions that were ended",
    z: "alerts",
  });
});

Deno.test("every family that a room of the core declares is in the list", async () => {
  const declared = new Set<string>();
  for await (const file of filesOf(new URL("../../core/", import.meta.url))) {
    if (!file.pathname.endsWith("/families.ts")) continue;
    const source = await Deno.readTextFile(file);
    for (const [, letter] of source.matchAll(/=\s+family(?:<[^(]*>)?\(\s*"(\w+)"/g)) {
      if (letter !== undefined) declared.add(letter);
    }
  }
  assertEquals(declared, new Set(FAMILY_NAMES.keys()));
});

Deno.test("families are declared in files of that name alone", async () => {
  for await (const file of filesOf(new URL("../../core/", import.meta.url))) {
    if (!file.pathname.endsWith(".ts") || file.pathname.endsWith("/families.ts")) continue;
    assertEquals(/=\s+family(?:<|\()/.test(await Deno.readTextFile(file)), false, file.pathname);
  }
});

async function* filesOf(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesOf(new URL(`${name}/`, folder));
    else yield new URL(name, folder);
  }
}
