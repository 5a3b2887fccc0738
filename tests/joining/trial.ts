/**
 * One day of clients, and what the attacker makes of it before and after the records were moved.
 *
 * @module
 */
import { moveIntoSegments } from "../../core/ledger/segments.ts";
import { METHODS } from "./attacker.ts";
import { type Evidence, steal } from "./evidence.ts";
import { chanceOf, countRight, expectedRight, type Target, targetsOf } from "./guessing.ts";
import { APP, DAY, runDay, type WorldOptions } from "./world.ts";

/** How an attack went. */
export interface Score {
  readonly method: string;
  readonly right: number;
  /** The chance that a guesser does as well. */
  readonly chance: number;
}

/** How all attacks on the same targets went. */
export interface Outcome {
  readonly targets: number;
  /** What a guesser is expected to get right. */
  readonly expected: number;
  /** The size of the crowd of the client in the middle, and of the client with the smallest. */
  readonly medianCrowd: number;
  readonly leastCrowd: number;
  readonly scores: readonly Score[];
}

/** A day, seen before and after. */
export interface Trial {
  /** Clients whose first record still lay in the row of its commit when the thief came. */
  readonly before: Outcome;
  /** Clients whose first record had been moved at the end of the day. */
  readonly after: Outcome;
  /** What was stolen at the end. */
  readonly evidence: Evidence;
  readonly pseudonyms: readonly string[];
  /** The nonces of claims, by the id of the claim in hex, which nobody but the clients has. */
  readonly nonces: ReadonlyMap<string, Uint8Array>;
  /** Pseudonyms in the order of their first logs, which nobody keeps. */
  readonly arrivals: ReadonlySet<string>;
}

/** Runs a day and attacks it: at some hours, while records still lie where they arrived, and at the end. */
export async function runTrial(options: WorldOptions, thefts: readonly number[] = [12, 24]): Promise<Trial> {
  const early: Attacked[] = [];
  const world = await runDay({
    ...options,
    onHour: async (world, hour) => {
      if (!thefts.includes(hour)) return;
      early.push(attack(await steal(world), world.pseudonyms, false));
    },
  });
  try {
    const evidence = await steal(world);
    const { pseudonyms, nonces, arrivals } = world;
    return {
      before: outcomeOf(early),
      after: outcomeOf([attack(evidence, pseudonyms, true)]),
      evidence,
      pseudonyms,
      nonces,
      arrivals,
    };
  } finally {
    await world.close();
  }
}

/** Runs a day on which no record is moved before the thief has come, and then all are. */
export async function runWeakTrial(options: WorldOptions): Promise<Pick<Trial, "before" | "after">> {
  const world = await runDay({ ...options, unshuffled: true });
  const { service, pseudonyms } = world;
  try {
    const before = attack(await steal(world), pseudonyms, false);
    await moveIntoSegments(service.store, service.random, APP, (DAY + 1) * 86_400, { minShuffled: 1 });
    const after = attack(await steal(world), pseudonyms, true);
    return { before: outcomeOf([before]), after: outcomeOf([after]) };
  } finally {
    await world.close();
  }
}

/** What came of an attack: who was attacked, and how many each method got right. */
export interface Attacked {
  readonly targets: readonly Target[];
  readonly right: ReadonlyMap<string, number>;
}

/** Tries every method on the clients whose first record lies in a segment (`moved`), or in the row of its commit. */
export function attack(evidence: Evidence, pseudonyms: readonly string[], moved: boolean): Attacked {
  const targets = targetsOf(evidence, pseudonyms, moved);
  const right = Object.entries(METHODS).map((
    [name, method],
  ): [string, number] => [name, countRight(method(evidence), targets, pseudonyms)]);
  return { targets, right: new Map(right) };
}

/** Adds attacks up. */
export function outcomeOf(attacks: readonly Attacked[]): Outcome {
  const targets = attacks.flatMap(({ targets }) => targets);
  const crowds = targets.map(({ crowd }) => crowd).sort((a, b) => a - b);
  const scores = Object.keys(METHODS).map((method) => {
    const right = attacks.reduce((sum, attack) => sum + attack.right.get(method)!, 0);
    return { method, right, chance: chanceOf(right, targets) };
  });
  return {
    targets: targets.length,
    expected: expectedRight(targets),
    medianCrowd: crowds[crowds.length >> 1] ?? 0,
    leastCrowd: crowds[0] ?? 0,
    scores,
  };
}
