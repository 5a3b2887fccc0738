import { assertEquals } from "@std/assert";
import { FAMILY_NAMES } from "../../../core/store/families.ts";
import { keySpace } from "../../../core/store/kv.ts";

/** Which family owns a letter, and the members of `keySpace` that spell it. */
const FAMILIES: Readonly<Record<string, readonly (keyof typeof keySpace)[]>> = {
  a: ["alive"],
  b: ["remoteKey", "remoteKeysOf", "allRemoteKeys"],
  c: ["claim", "claimsOf", "allClaims"],
  d: ["endedKey", "allEndedKeys"],
  e: ["ended"],
  f: ["fence"],
  g: ["segment", "segmentsOf", "segmentsFrom", "allSegmentsOf"],
  h: ["clientSecret"],
  i: ["releasesSince", "release", "releaseParts", "releasesOf"],
  j: ["budget", "budgetsOf", "budgetGuard"],
  k: ["key", "keysOf", "keysOfAnyRegion", "allKeys"],
  l: ["log", "logsOf", "logsBefore", "allLogsOf", "logsFrom"],
  m: ["monitorSecret"],
  n: ["counters", "countersOf"],
  o: ["ordinals"],
  p: ["probe"],
  q: ["quota", "quotasOf"],
  r: ["sketch", "sketchOf", "sketchesOf", "sketchesBefore"],
  rd: ["riskDay", "riskDaysOf"],
  t: ["tally", "talliesOf", "allTallies"],
  u: ["auditEntry", "allAuditEntries", "auditEntriesBefore"],
  v: ["sealProof"],
  w: ["auditHead"],
  x: ["risk", "risksOf"],
  y: ["endedSession", "endedSessions"],
  z: ["alert", "alertsOf", "allAlerts"],
};

function lettersOf(member: keyof typeof keySpace): Set<Deno.KvKeyPart | undefined> {
  const some = keySpace[member] as (...values: unknown[]) => Deno.KvKey | Deno.KvListSelector;
  const bytes = new Uint8Array(16);
  // Members take names, numbers or bytes in some order; whatever they are given, the letter stays the same.
  for (const values of [["x", 1, bytes, 1], [1, bytes, "x", "x"], ["x", bytes, bytes], ["x", "x", 1, 1]]) {
    try {
      const made = some(...values);
      if (Array.isArray(made)) return new Set([made[0]]);
      return new Set(Object.values(made).map((key: Deno.KvKey) => key[0]));
    } catch {
      // The next order fits.
    }
  }
  throw new Error(`No values fit ${member}`);
}

Deno.test("keySpace gives no letter to two families", () => {
  const owners = new Map(
    Object.entries(FAMILIES).flatMap(([letter, members]) => members.map((member) => [member, letter])),
  );
  assertEquals(owners.size, Object.values(FAMILIES).flat().length, "a member stands twice");
  for (const member of Object.keys(keySpace) as (keyof typeof keySpace)[]) {
    assertEquals(lettersOf(member), new Set([owners.get(member)]), `${member} takes another family's letter`);
  }
});

Deno.test("every family of keySpace has a name of its own for people, and no name is left over", () => {
  const letters = (Object.keys(keySpace) as (keyof typeof keySpace)[]).flatMap((member) => [
    ...lettersOf(member),
  ]);
  assertEquals(new Set(Object.keys(FAMILY_NAMES)), new Set(letters));
  assertEquals(new Set(Object.values(FAMILY_NAMES)).size, Object.keys(FAMILY_NAMES).length);
});
