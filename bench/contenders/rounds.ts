import { median } from "../statistics.ts";
import type { ContenderProcess } from "./process.ts";

/** One measurement lasts about this long, however fast the implementation is. */
const MEASUREMENT_US = 25_000;
/** Rounds before the ones that count: the JIT warms up, and the last says how many runs make a measurement. */
const WARM_UP_ROUNDS = 3;

/** Times in microseconds a token, by operation and implementation, one an interleaved round. */
export class Rounds {
  readonly #times = new Map<string, number[]>();

  private constructor() {}

  /** Measures every operation (`<name> <batch>`) on every implementation, `count` times. */
  static async measure(
    processes: ReadonlyMap<string, ContenderProcess>,
    operations: readonly string[],
    count: number,
  ): Promise<Rounds> {
    const rounds = new Rounds();
    const names = [...processes.keys()];
    const runs = new Map<string, number>();
    for (let round = 0; round < WARM_UP_ROUNDS + count; round++) {
      for (const operation of operations) {
        const batch = Number(operation.split(" ")[1]);
        // Another one begins in each round, so that none always follows the same.
        for (const turn of names.keys()) {
          const name = names[(turn + round) % names.length]!;
          const key = `${operation} | ${name}`;
          const answer = await processes.get(name)!.ask(`${operation} ${runs.get(key) ?? 1}`);
          if (answer === "unsupported") continue;
          runs.set(key, Math.max(1, Math.round(MEASUREMENT_US / (Number(answer) * batch))));
          if (round < WARM_UP_ROUNDS) continue;
          const times = rounds.#times.get(key) ?? [];
          times.push(Number(answer));
          rounds.#times.set(key, times);
        }
      }
    }
    return rounds;
  }

  /** The median of an operation, or `undefined` if the implementation has none such. */
  time(operation: string, name: string): number | undefined {
    const times = this.#times.get(`${operation} | ${name}`);
    return times && median(times);
  }

  /** How many times as long `slow` takes as `fast`: the median of the ratios of single rounds. */
  ratio(operation: string, slow: string, fast: string): number | undefined {
    const [slowTimes, fastTimes] = [slow, fast].map((name) => this.#times.get(`${operation} | ${name}`));
    if (slowTimes === undefined || fastTimes === undefined) return undefined;
    return median(slowTimes.map((time, round) => time / fastTimes[round]!));
  }
}
