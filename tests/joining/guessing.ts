/**
 * How good an attack is, set against guessing within the anonymity set.
 *
 * @module
 */
import { firstHour, type Guesses, suspectsOf } from "./attacker.ts";
import type { Evidence } from "./evidence.ts";

/** A client who can be attacked, and the size of the crowd they stand in. */
export interface Target {
  readonly client: number;
  readonly crowd: number;
}

/**
 * The clients whose first record lies where `moved` says. The crowd of one is everybody whose first record tells the same
 * hour: that much is in the records, and in the quota rows, by design.
 */
export function targetsOf(evidence: Evidence, pseudonyms: readonly string[], moved: boolean): Target[] {
  const clients = new Map(pseudonyms.map((pseudonym, client) => [pseudonym, client]));
  const asked = new Set(evidence.issuances.map(({ client }) => client));
  const suspects = suspectsOf(evidence).filter(({ first }) => first.moved === moved);
  return [...Map.groupBy(suspects, firstHour).values()].flatMap((crowd) =>
    crowd.map(({ pseudonym }) => ({ client: clients.get(pseudonym)!, crowd: crowd.length }))
  ).filter(({ client }) => asked.has(client));
}

/** How many targets were guessed right. */
export function countRight(
  guesses: Guesses,
  targets: readonly Target[],
  pseudonyms: readonly string[],
): number {
  return targets.filter(({ client }) => guesses.get(client) === pseudonyms[client]).length;
}

/** How many a guesser is expected to get right. */
export function expectedRight(targets: readonly Target[]): number {
  return targets.reduce((sum, { crowd }) => sum + 1 / crowd, 0);
}

/** The probability that a guesser gets at least `right` of the targets right, each with 1 / crowd (Poisson's binomial). */
export function chanceOf(right: number, targets: readonly Target[]): number {
  // Probabilities of 0..right-1; what is beyond is the answer's complement.
  const below = new Float64Array(Math.max(1, right));
  below[0] = 1;
  for (const { crowd } of targets) {
    const p = 1 / crowd;
    for (let count = below.length - 1; count > 0; count--) {
      below[count] = below[count]! * (1 - p) + below[count - 1]! * p;
    }
    below[0]! *= 1 - p;
  }
  return right === 0 ? 1 : Math.max(0, 1 - below.reduce((sum, probability) => sum + probability, 0));
}
