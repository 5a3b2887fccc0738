import { assert, assertEquals } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, fromBase64url, toBase64url } from "../../core/base/bytes.ts";
import { METHODS, suspectsOf } from "./attacker.ts";
import type { Evidence } from "./evidence.ts";
import { chanceOf, countRight, targetsOf } from "./guessing.ts";
import { type Outcome, runTrial, runWeakTrial, type Trial } from "./trial.ts";

/** Everything is drawn from it, so that what is true of this day stays true. */
const SEED = 5;
/** What chance does once in a thousand days. */
const RARE = 0.001;
/** What chance does never. */
const IMPOSSIBLE = 1e-6;

/** The day of two thousand clients, as the service is. It is lived once and only looked at afterwards. */
const lived: Promise<Trial> = runTrial({ clients: 2_000, delaySeconds: 60, hours: 24, seed: SEED });

function chancesOf({ scores }: Outcome): Record<string, number> {
  return Object.fromEntries(scores.map(({ method, chance }) => [method, chance]));
}

function rightOf({ scores }: Outcome, method: string): number {
  return scores.find((score) => score.method === method)!.right;
}

Deno.test("once records were moved, nothing that the thief has joins them to issuance better than guessing", async () => {
  const { after } = await lived;
  assert(after.targets > 1_900, `${after.targets} clients`);
  for (const { method, right, chance } of after.scores) {
    assert(
      chance > RARE,
      `by ${method} ${right} of ${after.targets} are joined, ${after.expected} are expected`,
    );
  }
});

Deno.test("before they are moved, the order of commits joins some", async () => {
  const { before } = await lived;
  assert(chancesOf(before).versionstamp! < IMPOSSIBLE);
});

Deno.test("the attacker is a real one: they link clients of a build with fine times, kept nonces and bindings, and no shuffle", async () => {
  const weak = await runWeakTrial({
    clients: 60,
    delaySeconds: 0,
    hours: 24,
    seed: SEED,
    fineTimes: true,
    keptNonces: true,
  });
  for (
    const method of ["order", "time", "versionstamp", "moved together", "lines", "rebuilding", "bindings"]
  ) {
    const right = rightOf(weak.before, method);
    assert(right > weak.before.targets / 2, `by ${method} only ${right} of ${weak.before.targets}`);
  }
  // Shuffling alone would not help where times are fine, or where bodies can be built again.
  for (const method of ["time", "rebuilding", "bindings"]) {
    const right = rightOf(weak.after, method);
    assert(
      right > weak.after.targets / 2,
      `by ${method} only ${right} of ${weak.after.targets} after the shuffle`,
    );
  }
});

/** What the thief would have had if something else were stored. */
type Change = (trial: Trial) => Evidence;

const CHANGES: Readonly<Record<string, Change>> = {
  // Claims that lie together by token, as a digest of the nonce alone would have them.
  "claims of a token": ({ evidence, nonces }) => ({
    ...evidence,
    claims: evidence.claims.map((claim) => ({
      ...claim,
      id: concat(
        claim.id.slice(0, 4),
        sha256(nonces.get(claim.id.toHex())!).slice(0, 16),
        claim.id.slice(20),
      ),
    })),
  }),
  // Pseudonyms that are made of the tag under which quotas are counted.
  ids: withPseudonymsOfTags,
  "key order": withPseudonymsOfTags,
  // A quota that counts logs instead of tokens.
  counters: (trial) => withGranted(trial, (records) => records.length),
  // Rows that keep the order in which pseudonyms came to them.
  totals: ({ evidence, arrivals }) => {
    const places = new Map([...arrivals].map((pseudonym, place) => [pseudonym, place]));
    const placeOf = (pseudonym: string) => places.get(pseudonym)!;
    return {
      ...evidence,
      totals: evidence.totals.map((row) => row.toSorted((a, b) => placeOf(a) - placeOf(b))),
    };
  },
  // A quota that counts bytes.
  size: (trial) => withGranted(trial, (records) => JSON.stringify(records[0]!.record).length),
};

function withPseudonymsOfTags({ evidence, pseudonyms }: Trial): Evidence {
  const tags = new Map(evidence.issuances.map(({ client, tag }) => [pseudonyms[client], tag]));
  return {
    ...evidence,
    records: evidence.records.map((found) => ({
      ...found,
      record: { ...found.record, pseudonym: toBase64url(tags.get(found.record.pseudonym)!) },
    })),
  };
}

function withGranted(
  { evidence, pseudonyms }: Trial,
  count: (records: Evidence["records"]) => number,
): Evidence {
  const suspects = new Map(suspectsOf(evidence).map((suspect) => [suspect.pseudonym, suspect]));
  return {
    ...evidence,
    issuances: evidence.issuances.map((issuance) => {
      const { first, records } = suspects.get(pseudonyms[issuance.client]!)!;
      return { ...issuance, granted: count([first, ...records]), hours: issuance.hours.slice(0, 1) };
    }),
  };
}

for (const [method, change] of Object.entries(CHANGES)) {
  Deno.test(`the attacker joins by ${method} once something is stored that allows it`, async () => {
    const trial = await lived;
    const evidence = change(trial);
    const pseudonyms = change === withPseudonymsOfTags
      ? trial.pseudonyms.map((_, client) =>
        toBase64url(evidence.issuances.find((issuance) => issuance.client === client)!.tag)
      )
      : trial.pseudonyms;
    const targets = targetsOf(evidence, pseudonyms, true);
    const right = countRight(METHODS[method]!(evidence), targets, pseudonyms);
    assert(chanceOf(right, targets) < IMPOSSIBLE, `${right} of ${targets.length}`);
  });
}

Deno.test("every method has a build in which it succeeds", () => {
  const shown = [
    "order",
    "time",
    "versionstamp",
    "moved together",
    "lines",
    "rebuilding",
    "bindings",
    ...Object.keys(CHANGES),
  ];
  assertEquals(shown.toSorted(), Object.keys(METHODS).toSorted());
});

Deno.test("chanceOf() is the tail of Poisson's binomial distribution", () => {
  const targets = (crowds: number[]) => crowds.map((crowd, client) => ({ client, crowd }));
  const near = (a: number, b: number) => assert(Math.abs(a - b) < 1e-9, `${a} ${b}`);
  near(chanceOf(0, targets([2, 2])), 1);
  near(chanceOf(1, targets([2, 2])), 0.75);
  near(chanceOf(2, targets([2, 4])), 0.125);
  near(chanceOf(3, targets([1, 1, 5])), 0.2);
  near(chanceOf(4, targets([1, 1, 5])), 0);
  // 20 throws of a die, at least 8 sixes.
  near(chanceOf(8, targets(Array(20).fill(6))), 0.011253284642873895);
});

Deno.test("the store holds what the thief is given: claims and records of one commit, and nobody's name", async () => {
  const { evidence, pseudonyms } = await lived;
  assertEquals(evidence.issuances.length, 2_000);
  assertEquals(new Set(evidence.issuances.map(({ client }) => client)).size, 2_000);
  assertEquals(evidence.claims.length, evidence.records.length);
  assertEquals(new Set(suspectsOf(evidence).map(({ pseudonym }) => pseudonym)), new Set(pseudonyms));
  assertEquals(new Set(evidence.totals.flat()), new Set(pseudonyms));
  assert(evidence.records.every(({ record }) => fromBase64url(record.pseudonym!).length === 16));
});
