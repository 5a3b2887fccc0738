/** What refusals bring about: logs that are sent again, wait, or come together with others. */
import {
  type Arrived,
  type Asked,
  type Attacker,
  byPseudonym,
  Numbers,
  numbersOf,
  type Pairs,
  refusal,
  type Seen,
  taken,
} from "./attacker.ts";
import { type Strategy, truthOf } from "./strategy.ts";
import { HOUR, type Life, type Lived, type Mode } from "./world.ts";

const modes = (bits: number): Record<Mode, number> => ({
  ...{ "no mirror": bits, pin: bits, declared: bits, mirror: bits },
});

/** All that has a log go out again, with the same token or another one. */
const REFUSALS = [
  [409, "use_taken"],
  [401, "mac_invalid"],
  [401, "pseudonym_mismatch"],
  [403, "use_out_of_range"],
  [401, "key_unknown"],
  [503, "store_unavailable"],
  [413, "body_too_large"],
  [429, "overloaded"],
] as const;

/** Refuses all logs until something is over, in another way each time, and knows events again. */
function refusing(isOver: (asked: Asked) => boolean, of: (log: Arrived) => string): Attacker {
  let count = 0;
  return {
    async answer(asked) {
      if (asked.step !== "logs") return await asked.honest();
      if (isOver(asked)) return taken(asked);
      const [status, code] = REFUSALS[count++ % REFUSALS.length]!;
      return refusal(status, code);
    },
    join: (seen) => sharing(seen, of),
  };
}

/** Joins what shares events, over any number of steps: each with what comes last of that. */
function sharing({ logs }: Seen, of: (log: Arrived) => string): Pairs {
  const chains = new Map<string, string[]>();
  const holders = new Map<number, string[]>();
  for (const log of logs) {
    const name = of(log);
    let chain = chains.get(name) ?? [name];
    for (const number of numbersOf(log)) {
      const other = holders.get(number) ?? chain;
      if (other !== chain) {
        other.push(...chain.filter((one) => !other.includes(one)));
        chain = other;
      }
    }
    for (const one of chain) chains.set(one, chain);
    for (const number of numbersOf(log)) holders.set(number, chain);
  }
  const numbersUnder = Map.groupBy(logs, of);
  const numbersUnderAll = (names: readonly string[]) =>
    new Set(names.flatMap((name) => numbersUnder.get(name)!.flatMap(numbersOf)));
  // What only signed what had left already is no other one to be found.
  return new Map([...chains].flatMap(([name, chain]) => {
    const next = chain.slice(chain.indexOf(name) + 1).find((other) =>
      !numbersUnderAll([other]).isSubsetOf(numbersUnderAll(chain.slice(0, chain.indexOf(other))))
    );
    return next === undefined ? [] : [[name, next]];
  }));
}

/** What would be seen of clients that send again what was refused, under the next pseudonym or token. */
function sentAgain(lived: Lived, next: ReadonlyMap<string, string>, of: (log: Arrived) => string): Lived {
  const lasts = new Map(lived.seen.logs.map((log) => [of(log), log]));
  const logs = [...lived.seen.logs];
  for (const [before, after] of next) {
    const at = logs.findIndex((log) => of(log) === after);
    if (at >= 0) logs[at] = { ...logs[at]!, events: [...lasts.get(before)!.events, ...logs[at]!.events] };
  }
  return { ...lived, seen: { ...lived.seen, logs } };
}

/** A number of events that is drawn for a device and hour: two on average. */
function drawn(device: number, hour: number): number {
  const chance = Math.sin(device * 12.9898 + hour * 78.233) * 43_758.5453;
  const u = chance - Math.floor(chance);
  return [0.135, 0.406, 0.677, 0.857, 0.947, 1].findIndex((limit) => u <= limit);
}

/** Refuses to hear from each pseudonym from an hour of its own on, and reads what comes all at once under the next. */
function holdingBack(hours: number): Attacker {
  const numbers = new Numbers();
  const marks = new Map<string, number>();
  let turn = 0;
  return {
    async answer(asked) {
      const { connection, hour, beforeTurn, log } = asked;
      turn = Math.round(hour + beforeTurn / 3_600);
      const from = turn - 1 - numbers.of(connection) % hours;
      const isHeld = beforeTurn > 0 && hour >= from;
      if (log !== undefined) {
        if (beforeTurn > 0) marks.set(log.pseudonym, from);
        // It has clients say nothing more for an hour, again and again.
        return isHeld ? refusal(404, "app_unknown") : taken(asked);
      }
      return await asked.honest();
    },
    join(seen) {
      const [told, shown] = [new Map<string, number>(), new Map<string, number>()];
      for (const [pseudonym, logs] of byPseudonym(seen)) {
        const from = marks.get(pseudonym);
        if (from !== undefined) told.set(pseudonym, turn - from);
        else {
          const first = logs.filter(({ hour }) => hour === logs[0]!.hour).flatMap(({ events }) => events);
          const times = first.flatMap(({ at }) =>
            at === undefined ? [] : [turn - Math.floor(Date.parse(at) / HOUR)]
          );
          const earliest = Math.max(...times);
          // Three events an hour, where no time says more.
          shown.set(pseudonym, earliest > 0 ? earliest : Math.round(first.length / 3));
        }
      }
      // Some of what is held back is bound to the old pseudonym all the same: the order stays.
      const ranked = (marks: ReadonlyMap<string, number>) =>
        [...marks.keys()].sort((a, b) => marks.get(a)! - marks.get(b)! || (a < b ? -1 : 1));
      const others = ranked(shown);
      return new Map(ranked(told).map((one, rank) => [one, others[rank] ?? ""]));
    },
  };
}

/** What would be seen of clients that say when their events happened, whatever pseudonym they go under. */
function dated(lived: Lived): Lived {
  const logs = lived.seen.logs.map((log) => ({
    ...log,
    events: log.events.map((event) => ({
      ...event,
      at: new Date(lived.truth.logged.get(event.fields.number)! * HOUR).toISOString(),
    })),
  }));
  return { ...lived, seen: { ...lived.seen, logs } };
}

/** Leaves the last log of each pseudonym unanswered after the turn, too, and looks who else comes at its hours. */
function leftOver(): Attacker {
  const before = new Set<string>();
  return {
    async answer(asked) {
      const { log, beforeTurn } = asked;
      if (log === undefined) return await asked.honest();
      if (beforeTurn > 0) before.add(log.pseudonym);
      return before.has(log.pseudonym) && beforeTurn < 3_600
        ? refusal(503, "store_unavailable")
        : taken(asked);
    },
    join({ logs }) {
      return pairByHours(
        Map.groupBy(logs.filter(({ pseudonym }) => before.has(pseudonym)), ({ pseudonym }) => pseudonym),
        Map.groupBy(logs.filter(({ pseudonym }) => !before.has(pseudonym)), ({ pseudonym }) => pseudonym),
      );
    },
  };
}

/** What would be seen of clients that try again whenever they are there. */
function triedOn(lived: Lived): Lived {
  const own = byPseudonym(lived.seen);
  const again = [...truthOf(lived, "weeks")].flatMap(([before, next]) =>
    own.get(next)!.map(({ hour }) => ({ ...own.get(before)!.at(-1)!, hour }))
  );
  return { ...lived, seen: { ...lived.seen, logs: [...lived.seen.logs, ...again] } };
}

/** Pairs those whose hours fit best. */
export function pairByHours(
  first: ReadonlyMap<string, readonly { hour: number }[]>,
  second: ReadonlyMap<string, readonly { hour: number }[]>,
): Pairs {
  const others = [...second].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, list]) => ({ name, hours: new Set(list.map(({ hour }) => hour)) }));
  const from = Math.min(...others.flatMap(({ hours }) => [...hours]));
  const fits = [...first].flatMap(([one, list]) => {
    const own = new Set(list.map(({ hour }) => hour).filter((hour) => hour >= from));
    return others.map(({ name, hours }) => ({
      one,
      name,
      fit: own.intersection(hours).size / Math.max(1, own.union(hours).size),
    }));
  }).sort((a, b) => b.fit - a.fit);
  const pairs = new Map<string, string>();
  const used = new Set<string>();
  for (const { one, name } of fits) {
    if (pairs.has(one) || used.has(name)) continue;
    pairs.set(one, name);
    used.add(name);
  }
  return pairs;
}

const AT_TURN: Life = { devices: 24, before: 3, hours: 8, logs: () => 1 };
const isAfterTurn = ({ beforeTurn }: Asked) => beforeTurn < 0;
const pseudonymOf = ({ pseudonym }: Arrived) => pseudonym;
const nonceOf = ({ nonce }: Arrived) => nonce;

/** All of them. */
export const REFUSAL_STRATEGIES: readonly Strategy[] = [
  {
    name: "events that are sent again under the next pseudonym, since they were refused",
    goal: "weeks",
    life: AT_TURN,
    make: () => refusing(isAfterTurn, pseudonymOf),
    concedes: modes(0),
    weak: {
      name: "clients that send what was refused under any pseudonym",
      mode: "mirror",
      change: (lived) => sentAgain(lived, truthOf(lived, "weeks"), pseudonymOf),
    },
  },
  {
    name: "events that are sent again with a third token, where there are no pseudonyms",
    goal: "tokens",
    life: { ...AT_TURN, hours: 6, app: { pseudonymSeconds: false, usesPerToken: 1, tokensPerClient: 8 } },
    make: () => refusing(() => false, nonceOf),
    concedes: modes(0),
    weak: {
      name: "clients that send what was refused with any token",
      mode: "mirror",
      change: (lived) => sentAgain(lived, truthOf(lived, "tokens"), nonceOf),
    },
  },
  {
    name: "what has waited, since its pseudonym was not heard from an hour of its own on",
    goal: "weeks",
    life: { ...AT_TURN, before: 26, hours: 30, logs: (device, hour) => 1 + drawn(device, hour) },
    make: () => holdingBack(24),
    concedes: modes(2.5),
    weak: { name: "clients that say when it happened", mode: "mirror", change: dated },
  },
  {
    name: "the hours in which a log is sent again that was never answered",
    goal: "weeks",
    life: {
      ...AT_TURN,
      before: 2,
      hours: 22,
      logs: (device, hour) => hour < 2 ? 1 : drawn(device, hour) < 2 ? undefined : 1,
    },
    make: leftOver,
    concedes: modes(2),
    weak: { name: "clients that try for as long as the key redeems", mode: "mirror", change: triedOn },
  },
];
