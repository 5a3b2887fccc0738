/** What a log carries of its token, and of whoever sent it. */
import { type Attacker, pairByMark, type Pairs, type Seen, taken } from "./attacker.ts";
import type { Strategy } from "./strategy.ts";
import type { Life } from "./world.ts";

/** Takes the next hour's log with the same key, use and pseudonym for the same client's. */
function byWhatIsCarried({ logs }: Seen): Pairs {
  const hours = [...Map.groupBy(logs, ({ hour }) => hour)].sort(([a], [b]) => a - b).map(([, list]) =>
    new Map(list.map(({ nonce, keyId, use, pseudonym }) => [nonce, { keyId, use, pseudonym }]))
  );
  return new Map(hours.flatMap((first, index) => [...pairByMark(first, hours[index + 1] ?? new Map())]));
}

/** Answers honestly, and remembers what came. */
const remembering = (): Attacker => ({
  answer: (asked) => asked.step === "logs" ? taken(asked) : asked.honest(),
  join: byWhatIsCarried,
});

const HOURLY: Life = { devices: 24, before: 30, hours: 6, logs: () => 1 };

/** All of them. */
export const TOKEN_STRATEGIES: readonly Strategy[] = [
  {
    name: "what logs carry, where an application is unlinkable",
    goal: "tokens",
    life: { ...HOURLY, app: { unlinkable: true, tokensPerClient: 16, maxBatch: 8 } },
    make: remembering,
    concedes: { "no mirror": 0, pin: 0, declared: 0, mirror: 0 },
    weak: {
      name: "tokens of one use with a pseudonym",
      mode: "mirror",
      life: { ...HOURLY, app: { usesPerToken: 1 } },
    },
  },
];
