/**
 * The addresses of which something is remembered for a while, in the groups that their owners can hand out: who has one
 * address of a group often has many. Nothing of an address is kept but a keyed hash, in memory only, under a key that
 * changes every hour. The old key goes half a minute later: until then it finds the groups that hold places still.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import type { RandomSource } from "../../core/base/random.ts";
import { type Address, isIpv4, networkAround, parseAddress } from "./address.ts";

/** A class of addresses that are counted as one. */
export interface AddressClass {
  /** The network as text, or what stood in an address's place. */
  readonly name: string;
  /** Requests that it may make, as a multiple of what one client's network may; undefined: as many as it likes. */
  readonly allowance: number | undefined;
}

/** Bits of the groups of 128, from the narrowest: what one client has, then whoever hands such out, then a provider. */
const IPV6 = [{ bits: 64, allowance: 1 }, { bits: 48, allowance: 16 }, { bits: 32, allowance: undefined }];
/**
 * IPv4 addresses are scarce, and a provider puts many people behind a few of them: the wider groups bound what is held at
 * once, and not how much is asked.
 */
const IPV4 = [
  { bits: 128, allowance: 1 },
  { bits: 120, allowance: undefined },
  { bits: 112, allowance: undefined },
];

/**
 * The classes of an address, the narrowest first: an IPv4 address, its /24 and its /16; of IPv6 the /64, the /48 and the
 * /32. What is no address is a class by itself.
 */
export function classesOf(text: string): readonly AddressClass[] {
  const address = parseAddress(text);
  if (address === undefined) return [{ name: text, allowance: 1 }];
  return (isIpv4(address) ? IPV4 : IPV6).map(({ bits, allowance }) => ({
    name: nameOf(address, bits),
    allowance,
  }));
}

function nameOf(address: Address, bits: number): string {
  return `${networkAround(address, bits).address.map((group) => group.toString(16)).join(":")}/${bits}`;
}

/** What is remembered of a class. */
export interface Group {
  /** As in {@linkcode AddressClass}. */
  readonly allowance: number | undefined;
  /** Requests that it may make now, as of `filledAt`. */
  tokens: number;
  /** Milliseconds of the steady clock. */
  filledAt: number;
}

/** What is remembered of a client's network. */
export interface Sender {
  /** Its classes, the narrowest first. */
  readonly groups: readonly Group[];
}

/** A class that holds others. */
interface WiderGroup extends Group {
  /** Networks inside it that are remembered: it is forgotten with the last. */
  members: number;
  name: string;
}

interface Remembered extends Sender {
  readonly wider: readonly WiderGroup[];
}

/** What was remembered under the key before. */
interface Previous {
  readonly key: Uint8Array;
  readonly senders: ReadonlyMap<string, Remembered>;
  readonly wider: ReadonlyMap<string, WiderGroup>;
}

/** How addresses are remembered. */
export interface GroupsOptions {
  /** Makes the hourly keys. */
  readonly random: RandomSource;
  /** Networks remembered; 50,000 by default. */
  readonly maxAddresses?: number | undefined;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
  /** Requests that a new network may make in one go. */
  readonly burst: number;
}

const KEY_LIFE_MS = 3_600_000;
/** How long the groups of the key before are found: longer than a body may take to arrive, and so than a place is held for one. */
const CARRIED_MS = 30_000;

/** The networks that were seen of late. */
export class Groups {
  readonly #random: RandomSource;
  readonly #maxAddresses: number;
  readonly #now: () => number;
  readonly #burst: number;
  #key: Uint8Array;
  #keyMadeAt: number;
  #senders = new Map<string, Remembered>();
  #wider = new Map<string, WiderGroup>();
  #previous: Previous | undefined;

  /** Nobody is remembered yet. */
  constructor({ random, maxAddresses = 50_000, now, burst }: GroupsOptions) {
    this.#random = random;
    this.#maxAddresses = maxAddresses;
    this.#now = now;
    this.#burst = burst;
    this.#key = random(32);
    this.#keyMadeAt = now();
  }

  /** Networks remembered now. */
  get size(): number {
    return this.#senders.size;
  }

  /**
   * What is remembered of an address; of a new one everything is fresh. Who was seen under the key before has the same
   * groups for a while, since places are held by them, with a fresh allowance.
   */
  of(address: string): Sender {
    const now = this.#now();
    if (now - this.#keyMadeAt >= CARRIED_MS) this.#previous = undefined;
    if (now - this.#keyMadeAt >= KEY_LIFE_MS) {
      this.#previous = { key: this.#key, senders: this.#senders, wider: this.#wider };
      this.#key = this.#random(32);
      this.#keyMadeAt = now;
      this.#senders = new Map();
      this.#wider = new Map();
    }
    const [narrowest = { name: "", allowance: 1 }, ...wider] = classesOf(address);
    const name = this.#hash(narrowest.name);
    const sender = this.#senders.get(name) ?? this.#remember(narrowest, wider, now);
    // The most recently seen stand last, so that a full map forgets those that have been quiet.
    this.#senders.delete(name);
    this.#senders.set(name, sender);
    for (const [quietest, { wider }] of this.#senders) {
      if (this.#senders.size <= this.#maxAddresses) break;
      this.#senders.delete(quietest);
      for (const group of wider) this.#forgetMember(group);
    }
    return sender;
  }

  #remember(narrowest: AddressClass, wider: readonly AddressClass[], now: number): Remembered {
    const before = this.#previous;
    const around = wider.map((one) => {
      const name = this.#hash(one.name);
      const group = this.#wider.get(name) ??
        Object.assign(before?.wider.get(hashUnder(before.key, one.name)) ?? {}, {
          ...this.#fresh(one, now),
          name,
          members: 0,
        });
      group.members++;
      this.#wider.set(name, group);
      return group;
    });
    const own = before?.senders.get(hashUnder(before.key, narrowest.name))?.groups[0];
    return { groups: [Object.assign(own ?? {}, this.#fresh(narrowest, now)), ...around], wider: around };
  }

  #fresh({ allowance }: AddressClass, now: number): Group {
    return { allowance, tokens: this.#burst * (allowance ?? 0), filledAt: now };
  }

  #forgetMember(group: WiderGroup): void {
    group.members--;
    if (group.members === 0 && this.#wider.get(group.name) === group) this.#wider.delete(group.name);
  }

  #hash(name: string): string {
    return hashUnder(this.#key, name);
  }
}

function hashUnder(key: Uint8Array, name: string): string {
  return createHmac("sha256", key).update(name).digest("base64");
}
