/** Marks in directories: an account's keys or limits, read in its logs. */
import { fromBase64url, toBase64url } from "../../../core/base/bytes.ts";
import { keyLeaf, nextLink } from "../../../core/token/key_chain.ts";
import {
  accountsOf,
  type Asked,
  type Attacker,
  byPseudonym,
  changed,
  Numbers,
  pairByMark,
  type Seen,
  taken,
} from "./attacker.ts";
import type { Strategy } from "./strategy.ts";
import type { Life, Mode } from "./world.ts";

// deno-lint-ignore no-explicit-any -- as published.
type Document = any;

const ALL = Infinity;
/** How often a client is lied to before it is told the truth, so that it logs. */
const LIES = 2;

/** A lie about the directory of one of so many groups of accounts, and how the group shows in logs. */
interface Mark {
  readonly groups: number;
  /** The group of the client of a number, if it is not the remainder. */
  readonly group?: (client: number, hour: number) => number;
  /** Which of the attacker's services signs for a group. */
  readonly service: (group: number) => number;
  readonly directory: (asked: Asked, group: number, service: Document) => Promise<Response>;
  readonly publish?: (directory: Document) => Promise<void> | void;
  /** What a log shows. */
  readonly read?: (logs: Seen["logs"]) => number;
}

/** Marks accounts by their connections. */
function marking({ groups, group, service, directory, publish, read }: Mark): Attacker {
  const numbers = new Numbers();
  const lies = new Map<string, number>();
  const honest = new Set<string>();
  const signers = new Map<string, number>();
  const markOf = (connection: string) => honest.has(connection) ? 0 : numbers.of(connection) % groups;
  const groupOf = ({ connection, hour }: Pick<Asked, "connection" | "hour">) =>
    honest.has(connection) ? 0 : group?.(numbers.of(connection), hour) ?? markOf(connection);
  return {
    ...publish && { publish },
    async answer(asked) {
      const { connection, step } = asked;
      if (step === "logs") return taken(asked);
      if (step === "schema") return await asked.honest();
      if (step === "tokens") lies.set(connection, -ALL);
      const told = lies.get(connection) ?? 0;
      if (step === "keys") {
        if (told >= LIES) honest.add(connection);
        lies.set(connection, told + 1);
      }
      const group = groupOf(asked);
      const signs = honest.has(connection) ? 0 : service(group);
      if (step === "tokens") return await asked.honest(signs);
      if (honest.has(connection)) return await asked.honest();
      const own = await (await asked.honest(service(group))).clone().json();
      const response = await directory(asked, group, own);
      if (step === "keys") {
        for (const key of (await response.clone().json())["token-keys"]) {
          if (signs !== 0) signers.set(key["token-key-id"], group);
        }
      }
      return response;
    },
    join(seen) {
      const accounts = accountsOf(seen);
      // By the first visit of each.
      const visits = [...accounts].reverse();
      const told = new Map(visits.map(([connection, account]) => [account, markOf(connection)]));
      const shown = new Map(
        [...byPseudonym(seen)].map(([pseudonym, logs]) => [
          pseudonym,
          read?.(logs) ?? signers.get(logs[0]!.keyId) ?? 0,
        ]),
      );
      return pairByMark(told, shown);
    },
  };
}

/** Directories in which keys are another service's from an epoch on, with links that lead on from what was before. */
class Fork {
  readonly #leaves = new Map<number, { number: number; leaf: Uint8Array }[]>();
  readonly #from: number;

  constructor(from: number) {
    this.#from = from;
  }

  /** The directory of a group, or the history that fits it. */
  async tell(asked: Asked, group: number, own: Document): Promise<Response> {
    const honest = await asked.honest();
    if (asked.step === "keys") return await changed(honest, (directory) => this.#keys(directory, group, own));
    return await changed(honest, (history) => {
      const leaves = fromBase64url(history.leaves);
      for (const { number, leaf } of this.#leaves.get(group) ?? []) {
        const at = (number - history.first) * 32;
        if (at >= 0 && at < leaves.length) leaves.set(leaf, at);
      }
      history.leaves = toBase64url(leaves);
    });
  }

  #keys(directory: Document, group: number, own: Document): void {
    let before: Uint8Array = new Uint8Array();
    const leaves = [];
    for (const key of directory["token-keys"]) {
      if (key.epoch >= this.#from) {
        const other = own["token-keys"].find((one: Document) => one.epoch === key.epoch);
        key["token-key"] = other["token-key"];
        key["token-key-id"] = other["token-key-id"];
        const leaf = keyLeaf("notes", {
          ...{ region: key.region, epoch: key.epoch, generation: key.generation },
          ...{ tokenType: key["token-type"], publicKey: key["token-key"], notBefore: key["not-before"] },
          ...{ issueUntil: key["issue-until"], redeemUntil: key["redeem-until"] },
        });
        key.chain = toBase64url(nextLink(before, leaf));
        leaves.push({ number: key["chain-number"], leaf });
      }
      before = fromBase64url(key.chain);
    }
    this.#leaves.set(group, leaves);
  }
}

/** Devices that all come at the same hours, so that nothing but marks tells them apart. */
const TOGETHER: Life = {
  devices: 12,
  before: 60,
  hours: 8,
  services: 13,
  logs: (_, hour) => hour % 2 === 0 ? 1 : undefined,
};

const modes = (bits: number, others: Partial<Record<Mode, number>> = {}): Record<Mode, number> => ({
  ...{ "no mirror": bits, pin: bits, declared: bits, mirror: bits },
  ...others,
});

/** All of them. */
export const KEY_STRATEGIES: readonly Strategy[] = [
  {
    name: "keys of an account's own from its first contact on",
    goal: "accounts",
    life: TOGETHER,
    make: () =>
      marking({
        groups: 12,
        service: (group) => group + 1,
        directory: (asked, group) => asked.honest(group + 1),
      }),
    concedes: modes(ALL, { pin: 0, mirror: 0 }),
    weak: { name: "no mirror", mode: "no mirror" },
  },
  {
    name: "keys of an account's own behind the pin, in a chain that leads on from it",
    goal: "accounts",
    // The last key that is listed when the app is built is that of three days later; its users come after that.
    life: { ...TOGETHER, before: 120, hours: 100, logs: (_, hour) => hour >= 96 ? 1 : undefined },
    make() {
      let fork: Fork | undefined;
      return marking({
        groups: 12,
        service: (group) => group + 1,
        async directory(asked, group, own) {
          fork ??= new Fork(Math.floor(asked.hour / 24));
          return await fork.tell(asked, group, own);
        },
      });
    },
    concedes: modes(ALL, { mirror: 0 }),
    weak: { name: "a pin alone", mode: "pin" },
  },
  {
    name: "limits of an account's own",
    goal: "accounts",
    life: { ...TOGETHER, services: 1, hours: 14, logs: () => 1 },
    make: () =>
      marking({
        groups: 12,
        service: () => 0,
        directory: async (asked, group) =>
          await changed(await asked.honest(), (directory) => directory["uses-per-token"] = group + 1),
        // How many logs its first token signed.
        read: (logs) => logs.filter(({ nonce }) => nonce === logs[0]?.nonce).length - 1,
      }),
    concedes: modes(ALL, { mirror: 0 }),
    weak: { name: "no mirror", mode: "no mirror" },
  },
  generations(1),
];

/** Shows accounts one, two or three generations of a day's key, on so many days. */
function generations(days: number): Strategy {
  return {
    name: "which generations of a day's key an account is shown, of those that a mirror shows too",
    goal: "accounts",
    life: {
      ...TOGETHER,
      ...{ devices: 27, before: 120, hours: days * 24, services: 3, app: { usesPerToken: 1, maxBatch: 1 } },
      logs: (_, hour) => hour % 24 < 2 ? 1 : undefined,
    },
    make() {
      let firstDay: number | undefined;
      const others = new Map<string, number>();
      let lists: readonly Document[][] = [];
      const publish = (directory: Document, shown = 2) => {
        directory["token-keys"] = directory["token-keys"].flatMap((key: Document) =>
          [key, ...lists.map((list) => list.find(({ epoch }) => epoch === key.epoch))]
            .slice(0, shown + 1)
            .map(({ chain: _chain, "chain-number": _number, ...key }, generation) => ({ ...key, generation }))
        );
      };
      const keysOf = async (response: Response, generation: number) => {
        const keys: Document[] = (await response.json())["token-keys"];
        for (const key of keys) others.set(key["token-key-id"], generation);
        return keys;
      };
      const dayOf = (hour: number) => Math.floor(hour / 24) - (firstDay ??= Math.floor(hour / 24));
      return marking({
        groups: 3 ** days,
        group: (client, hour) => Math.floor(client / 3 ** dayOf(hour)) % 3,
        service: (group) => group,
        async directory(asked, group) {
          lists = [await keysOf(await asked.honest(1), 1), await keysOf(await asked.honest(2), 2)];
          return await changed(await asked.honest(), (directory) => publish(directory, group));
        },
        publish,
        read: (logs) => {
          const shown = new Map(logs.map(({ hour, keyId }) => [dayOf(hour), others.get(keyId) ?? 0]));
          return [...shown].reduce((sum, [day, generation]) => sum + generation * 3 ** day, 0);
        },
      });
    },
    concedes: modes(days * Math.log2(3), { pin: 0 }),
    get weak() {
      const { life, make } = generations(3);
      return { name: "three days", mode: "mirror" as const, life, make };
    },
  };
}
