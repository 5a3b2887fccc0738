/** Who asks for tokens at which hours, and who logs at them. */
import {
  type Attacker,
  byPseudonym,
  Numbers,
  type Pairs,
  refusal,
  type Seen,
  taken,
  timed,
} from "./attacker.ts";
import { pairByHours } from "./refusals.ts";
import type { Strategy } from "./strategy.ts";
import type { Life, Mode } from "./world.ts";

const modes = (bits: number): Record<Mode, number> => ({
  ...{ "no mirror": bits, pin: bits, declared: bits, mirror: bits },
});

/** Sets the hours in which accounts were given tokens against those in which pseudonyms logged (`first`: each day's first). */
function byVisits({ visits, logs }: Seen, isFirst: boolean): Pairs {
  const asked = visits.filter(({ account }) => account !== undefined);
  const logged = [...byPseudonym({ visits, logs })].map(([pseudonym, logs]) => {
    const firsts = [...Map.groupBy(logs, ({ hour }) => Math.floor(hour / 24)).values()].map(([log]) => log!);
    return [pseudonym, isFirst ? firsts : logs] as const;
  });
  return pairByHours(Map.groupBy(asked, ({ account }) => account!), new Map(logged));
}

/** Answers everything honestly, but that nothing is fresh, and remembers who came when. */
function watching(isFirst: boolean): Attacker {
  return {
    async answer(asked) {
      if (asked.step === "logs") return taken(asked);
      const response = await asked.honest();
      return asked.step === "tokens"
        ? response
        : timed(response, Date.parse(response.headers.get("date")!), 0);
    },
    join: (seen) => byVisits(seen, isFirst),
  };
}

/** Gives tokens to one account an hour, and to the others none. */
function oneByOne(): Attacker {
  const numbers = new Numbers();
  const turns = new Map<string, number>();
  let first: number | undefined;
  return {
    async answer(asked) {
      const { account, hour } = asked;
      first ??= hour;
      if (account === undefined) return asked.step === "logs" ? taken(asked) : await asked.honest();
      const turn = numbers.of(account);
      if (hour - first < turn) return refusal(429, "quota_exhausted", 60);
      if (!turns.has(account)) turns.set(account, hour);
      return await asked.honest();
    },
    join(seen) {
      const firsts = new Map([...byPseudonym(seen)].map(([pseudonym, [log]]) => [log!.hour, pseudonym]));
      return new Map([...turns].map(([account, hour]) => [account, firsts.get(hour) ?? ""]));
    },
  };
}

/** Something between 0 and 1 for a device and an hour. */
function chance(device: number, hour: number): number {
  const value = Math.sin(device * 12.9898 + hour * 78.233) * 43_758.5453;
  return value - Math.floor(value);
}

/** Devices that come at an hour of their own each day, of twelve, and stay for an hour. */
function mornings(days: number): Life {
  const hourOf = (device: number, day: number) => Math.floor(12 * chance(device, day));
  return {
    ...{ devices: 36, before: 168, hours: 24 * days },
    logs: (device, hour) => hour % 24 === hourOf(device, Math.floor(hour / 24)) ? 1 : undefined,
  };
}

/** Devices that all come in the first hour, and then in half of the others of a day. */
const DAY: Life = {
  ...{ devices: 36, before: 168, hours: 22 },
  logs: (device, hour) => hour === 0 || chance(device, hour) < 0.5 ? 1 : undefined,
};

/** All of them. */
export const PRESENCE_STRATEGIES: readonly Strategy[] = [
  {
    name: "the hours in which tokens are fetched first, on one day",
    goal: "accounts",
    life: mornings(1),
    make: () => watching(true),
    concedes: modes(Math.log2(12)),
    weak: { name: "five days", mode: "mirror", life: mornings(5) },
  },
  {
    name: "all hours in which tokens or keys are asked for, of 64 uses a token",
    goal: "accounts",
    life: DAY,
    make: () => watching(false),
    concedes: modes(0),
    weak: {
      name: "tokens of one use that are fetched one by one",
      mode: "mirror",
      life: { ...DAY, app: { usesPerToken: 1, maxBatch: 1 } },
    },
  },
  {
    name: "giving tokens to one account at a time",
    goal: "accounts",
    life: { ...DAY, devices: 12, hours: 14, logs: () => 1 },
    make: oneByOne,
    concedes: modes(Infinity),
    weak: { name: "any client", mode: "mirror" },
  },
];
