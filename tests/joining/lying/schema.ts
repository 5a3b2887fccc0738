/** Marks in schemas, told to one pseudonym and looked for in the next one of its device. */
import {
  type Arrived,
  type Asked,
  type Attacker,
  byPseudonym,
  changed,
  Numbers,
  pairByMark,
  refusal,
  taken,
  timed,
} from "./attacker.ts";
import type { Strategy } from "./strategy.ts";
import type { Life, Lived, Mode } from "./world.ts";

/** How many groups of pseudonyms there are marks for: granularities, and each of three fields suppressed or not. */
const GROUPS = 24;
const GRANULARITIES = [3_600, 21_600, 86_400] as const;
const FIELDS = ["first", "second", "third"] as const;

/** What a log of a device that logs at 23 o'clock shows of its mark. */
function markOf({ events: [event] }: Arrived): number {
  // Suppressed fields alone: times are left out over the turn.
  return FIELDS.reduce((sum, name, bit) => name in event.fields ? sum : sum | 1 << bit, 0);
}

/** Marks all pseudonyms that are seen before something is over, and answers nobody about the schema for a while after. */
function marking(
  isOver: (asked: Asked) => boolean,
  silence: number,
): Attacker & { readonly numbers: Numbers } {
  const numbers = new Numbers();
  const marks = new Map<string, number>();
  let silentUntil = 0;
  return {
    numbers,
    async answer(asked) {
      if (asked.step === "logs") {
        if (!isOver(asked)) marks.set(asked.log!.pseudonym, numbers.of(asked.connection));
        return taken(asked);
      }
      if (asked.step !== "schema") return await asked.honest();
      if (isOver(asked) && !numbers.has(asked.connection)) {
        silentUntil ||= asked.hour + silence;
        return asked.hour < silentUntil ? refusal(503, "store_unavailable") : await asked.honest();
      }
      const group = numbers.of(asked.connection) % GROUPS;
      const response = await changed(await asked.honest(), (schema) => {
        schema["granularity-seconds"] = GRANULARITIES[group >> 3];
        for (const [bit, name] of FIELDS.entries()) {
          if ((group >> bit & 1) === 1) schema.events[0].fields[name].suppressed = true;
        }
      });
      return timed(response, Date.parse(response.headers.get("date")!), 3_600);
    },
    join(seen) {
      const told = new Map([...marks].map(([pseudonym, group]) => [pseudonym, group % 8]));
      const others = [...byPseudonym(seen)].filter(([pseudonym]) => !marks.has(pseudonym));
      return pairByMark(told, new Map(others.map(([pseudonym, [log]]) => [pseudonym, markOf(log!)])));
    },
  };
}

/** What would be seen of clients that went on with the schema that they had under the pseudonym before. */
function carriedOver(lived: Lived): Lived {
  const next = new Map(
    lived.truth.pseudonyms.flatMap(([first, second]) =>
      first !== undefined && second !== undefined ? [[second, first]] : []
    ),
  );
  const own = byPseudonym(lived.seen);
  const logs = lived.seen.logs.map((log) => {
    const before = own.get(next.get(log.pseudonym) ?? "")?.at(-1);
    return before === undefined ? log : { ...log, events: before.events };
  });
  return { ...lived, seen: { ...lived.seen, logs } };
}

/** All come at half past each hour around the turn. */
const AT_TURN: Life = {
  devices: 8,
  before: 3,
  hours: 8,
  logs: (_, hour) => hour > 0 ? 1 : undefined,
};

const modes = (bits: number): Record<Mode, number> => ({
  ...{ "no mirror": bits, pin: bits, declared: bits, mirror: bits },
});

/** All of them. */
export const SCHEMA_STRATEGIES: readonly Strategy[] = [
  {
    name: "a schema of a pseudonym's own, and none for the next one while it can be remembered",
    goal: "weeks",
    life: AT_TURN,
    make: () => marking(({ beforeTurn }) => beforeTurn < 0, 2),
    concedes: modes(0),
    weak: { name: "clients that keep what they were shown", mode: "no mirror", change: carriedOver },
  },
  {
    name: "a schema of a pseudonym's own that is fresh for longer than it",
    goal: "weeks",
    life: AT_TURN,
    make: () => marking(({ beforeTurn }) => beforeTurn < 0, 0),
    concedes: modes(0),
    weak: { name: "clients that keep what is fresh", mode: "no mirror", change: carriedOver },
  },
  {
    name: "a schema of a pseudonym's own, and none for the one after a reset",
    goal: "weeks",
    life: { ...AT_TURN, before: 30, resets: (_, hour) => hour === 3 },
    make: () => marking(({ beforeTurn }) => beforeTurn < 26 * 3_600, 2),
    concedes: modes(0),
    weak: { name: "clients that keep what they were shown", mode: "no mirror", change: carriedOver },
  },
];
