/** Marks in times: which of two keys signs, which pseudonym comes first, and when a client speaks again. */
import {
  accountsOf,
  type Attacker,
  byPseudonym,
  Numbers,
  pairByMark,
  refusal,
  taken,
  timed,
} from "./attacker.ts";
import type { Strategy } from "./strategy.ts";
import { type Life, type Lived, type Mode } from "./world.ts";

const modes = (bits: number): Record<Mode, number> => ({
  ...{ "no mirror": bits, pin: bits, declared: bits, mirror: bits },
});

/** Tells half of the accounts at each turn of an epoch that it is over already. */
function turningEpochs(turns: number): Attacker {
  const numbers = new Numbers();
  const epochs = new Map<string, number>();
  let first: number | undefined;
  const turnOf = (hour: number) => Math.floor(hour / 24) - (first ??= Math.floor(hour / 24));
  return {
    async answer(asked) {
      const { step, connection, hour } = asked;
      if (step === "logs") return taken(asked);
      if (step === "schema") return await asked.honest();
      const isAhead = (numbers.of(connection) >> turnOf(hour) & 1) === 1;
      if (step === "tokens") return await asked.honest(0, isAhead ? 3_000 : 0);
      const response = await asked.honest();
      if (step !== "keys") return response;
      for (const key of (await response.clone().json())["token-keys"]) {
        epochs.set(key["token-key-id"], key.epoch);
      }
      const now = Date.parse(response.headers.get("date")!);
      return timed(response, now + (isAhead ? 3_000_000 : 0), 60);
    },
    join(seen) {
      const told = new Map(
        [...accountsOf(seen)].map(([connection, account]) => [account, numbers.of(connection) % 2 ** turns]),
      );
      const shown = new Map([...byPseudonym(seen)].map(([pseudonym, logs]) => {
        const bits = new Map(
          logs.map(({ hour, keyId }) => [turnOf(hour), epochs.get(keyId)! > Math.floor(hour / 24) ? 1 : 0]),
        );
        return [pseudonym, [...bits].reduce((sum, [turn, bit]) => sum | bit << turn, 0)];
      }));
      return pairByMark(told, shown);
    },
  };
}

function epochTurns(turns: number): Life {
  return {
    ...{ devices: 16, before: 121, hours: (turns - 1) * 24 + 1, app: { usesPerToken: 1, maxBatch: 1 } },
    logs: (_, hour) => hour % 24 === 0 ? 1 : undefined,
  };
}

/** Marks pseudonyms before their turn by a time or a stop of their own, and sees when the next ones come. */
function turningPseudonyms(isStop: boolean): Attacker & { readonly told: ReadonlyMap<string, number> } {
  const numbers = new Numbers();
  const told = new Map<string, number>();
  return {
    told,
    async answer(asked) {
      const { step, connection, beforeTurn, log } = asked;
      if (step === "keys") return await asked.honest();
      if (step === "tokens") {
        return await asked.honest(0, !isStop && beforeTurn > 0 && beforeTurn < 3_600 ? 3_000 : 0);
      }
      const mark = numbers.of(connection) % 2;
      const isBefore = beforeTurn > 3_600;
      if (log !== undefined) {
        if (isBefore) told.set(log.pseudonym, mark);
        const isLast = beforeTurn > 0 && beforeTurn <= 3_600;
        return isStop && isLast && mark === 1 ? refusal(404, "app_unknown", 3_600) : taken(asked);
      }
      const response = await asked.honest();
      if (isStop) return response;
      const now = Date.parse(response.headers.get("date")!);
      return timed(response, now + (beforeTurn > 0 && beforeTurn < 3_600 && mark === 1 ? 3_500_000 : 0), 60);
    },
    join(seen) {
      const next = new Map<string, number>();
      const firsts = [...byPseudonym(seen)].map(([pseudonym, [log]]) => ({ pseudonym, hour: log!.hour }));
      const others = firsts.filter(({ pseudonym }) => !told.has(pseudonym));
      const hours = others.map(({ hour }) => hour);
      const [least, greatest] = [Math.min(...hours), Math.max(...hours)];
      for (const { pseudonym, hour } of others) next.set(pseudonym, isStop ? hour - least : greatest - hour);
      return pairByMark(told, next);
    },
  };
}

/** What would be seen of clients that wait for as long as they are asked, or (-1) go ahead: an hour more for each. */
function apart(sign: 1 | -1) {
  return (lived: Lived, attacker: Attacker): Lived => {
    const known = (attacker as ReturnType<typeof turningPseudonyms>).told as Map<string, number>;
    const next = new Map<string, number>();
    for (const [device, [before, after]] of lived.truth.pseudonyms.entries()) {
      if (before === undefined || after === undefined) continue;
      known.set(before, device);
      next.set(after, device);
    }
    const logs = lived.seen.logs.map((log) => ({ ...log, hour: sign * (next.get(log.pseudonym) ?? 0) }));
    return { ...lived, seen: { ...lived.seen, logs } };
  };
}

const AT_TURN: Life = { devices: 16, before: 3, hours: 6, passes: 2, logs: () => 1 };

/** All of them. */
export const TIME_STRATEGIES: readonly Strategy[] = [
  {
    name: "a Date of an account's own in the hour before an epoch's turn",
    goal: "accounts",
    life: epochTurns(1),
    make: () => turningEpochs(1),
    concedes: modes(1),
    weak: { name: "four turns", mode: "mirror", life: epochTurns(4), make: () => turningEpochs(4) },
  },
  {
    name: "a Date of a pseudonym's own in the hour before its turn",
    goal: "weeks",
    life: AT_TURN,
    make: () => turningPseudonyms(false),
    concedes: modes(1),
    weak: { name: "clients that believe any time", mode: "mirror", change: apart(-1) },
  },
  {
    name: "a stop of a pseudonym's own in its last hour",
    goal: "weeks",
    life: AT_TURN,
    make: () => turningPseudonyms(true),
    concedes: modes(1),
    weak: { name: "clients that wait for as long as they are asked", mode: "mirror", change: apart(1) },
  },
];
