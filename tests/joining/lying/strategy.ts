/**
 * Ways to join what belongs together, and how each is counted: against guessing, and what docs/threat_model.md concedes.
 *
 * @module
 */
import { chanceOf, countRight, type Target } from "../guessing.ts";
import { type Attacker, numbersOf, type Pairs, type Seen } from "./attacker.ts";
import { accountOf, type Life, live, type Lived, type Mode } from "./world.ts";

/** What is to be joined: pseudonyms of two periods, accounts with pseudonyms, or two tokens. */
export type Goal = "weeks" | "accounts" | "tokens";

/** One way. */
export interface Strategy {
  /** Ends the sentence "a service that joins ... by". */
  readonly name: string;
  readonly goal: Goal;
  readonly life: Life;
  readonly make: () => Attacker;
  /** Bits that docs/threat_model.md concedes, by how clients were built; Infinity: everything. */
  readonly concedes: Readonly<Record<Mode, number>>;
  /** What makes it win: another life, or what the attacker would have seen of a client with a rule less. */
  readonly weak: Weak;
}

/** What makes a strategy win. */
export interface Weak {
  readonly name: string;
  readonly mode: Mode;
  /** What the attacker would have seen of a client with a rule less. */
  readonly change?: (lived: Lived, attacker: Attacker) => Lived;
  /** Another life. */
  readonly life?: Life;
  /** Another attacker. */
  readonly make?: () => Attacker;
}

/** What came of a strategy. */
export interface Score {
  readonly right: number;
  readonly of: number;
  /** What guessing with the conceded bits gives. */
  readonly expected: number;
  /** How probable it is that guessing so gives as many. */
  readonly chance: number;
}

/**
 * The pairs that are true: the first two pseudonyms of each device, its account and first pseudonym, or its first two
 * tokens that signed something of their own.
 */
export function truthOf({ seen, truth }: Lived, goal: Goal): Pairs {
  const pairs = new Map<string, string>();
  for (const [device, pseudonyms] of truth.pseudonyms.entries()) {
    const [first, second] = goal === "tokens"
      ? tokensOf(seen, truth.nonces[device]!)
      : goal === "weeks"
      ? pseudonyms
      : [accountOf(device), pseudonyms[0]];
    if (first !== undefined && second !== undefined) pairs.set(first, second);
  }
  return pairs;
}

/** Tokens under which something left that had left under none before. */
function tokensOf({ logs }: Seen, nonces: readonly string[]): string[] {
  const known = new Set<number>();
  return nonces.filter((nonce) => {
    const numbers = logs.filter((log) => log.nonce === nonce).flatMap(numbersOf);
    const isNew = numbers.some((number) => !known.has(number));
    for (const number of numbers) known.add(number);
    return isNew;
  });
}

/** Counts what an attacker joined rightly, and how that compares with guessing that has so many bits for nothing. */
export function score(joined: Pairs, lived: Lived, goal: Goal, bits: number): Score {
  const truth = truthOf(lived, goal);
  const subjects = [...truth.keys()];
  const crowd = Math.max(1, truth.size / 2 ** bits);
  const targets = subjects.map((_, client): Target => ({ client, crowd }));
  const guesses = new Map(subjects.map((subject, client) => [client, joined.get(subject) ?? ""]));
  const right = countRight(guesses, targets, subjects.map((subject) => truth.get(subject)!));
  return { right, of: targets.length, expected: targets.length / crowd, chance: chanceOf(right, targets) };
}

/** Has a strategy try against clients that were built so. */
export async function tryStrategy(strategy: Strategy, mode: Mode): Promise<Score> {
  const attacker = strategy.make();
  const lived = await live(strategy.life, mode, attacker);
  return score(attacker.join(lived.seen), lived, strategy.goal, strategy.concedes[mode]);
}

/** Has it try where it can win; what it may then have is nothing but guessing. */
export async function tryWeak({ goal, life, make, weak }: Strategy): Promise<Score> {
  const attacker = (weak.make ?? make)();
  const lived = await live(weak.life ?? life, weak.mode, attacker);
  const seen = weak.change?.(lived, attacker) ?? lived;
  return score(attacker.join(seen.seen), seen, goal, 0);
}
