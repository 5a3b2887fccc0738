/**
 * The addresses of which something is remembered for a while, in the groups that their owners can hand out: who has one
 * address of a group often has many. Nothing of an address is kept but a keyed hash, in memory only, under a key that
 * changes every hour. The old key goes half a minute later: until then it finds the groups that hold places still.
 *
 * @module
 */
import { hash } from "node:crypto";
import { toHex } from "../../core/base/bytes.ts";
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
const IPV6 = [
  { bits: 64, allowance: 1 },
  { bits: 48, allowance: 16 },
  { bits: 32, allowance: undefined },
] as const;
/**
 * IPv4 addresses are scarce, and a provider puts many people behind a few of them: the wider groups bound what is held at
 * once, and not how much is asked.
 */
const IPV4 = [
  { bits: 128, allowance: 1 },
  { bits: 120, allowance: undefined },
  { bits: 112, allowance: undefined },
] as const;

/**
 * The classes of an address, the narrowest first: an IPv4 address, its /24 and its /16; of IPv6 the /64, the /48 and the
 * /32. What is no address is a class by itself.
 */
export function classesOf(text: string): readonly AddressClass[] {
  const address = parseAddress(text);
  if (address === undefined) return [{ name: text, allowance: 1 }];
  return levelsOf(address).map(({ bits, allowance }) => ({ name: nameOf(address, bits), allowance }));
}

/** The first name of {@linkcode classesOf} alone: what every request asks for, where the others are for new networks. */
function narrowestName(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  const [{ bits }] = levelsOf(address);
  return nameOf(address, bits);
}

function levelsOf(address: Address): typeof IPV4 | typeof IPV6 {
  return isIpv4(address) ? IPV4 : IPV6;
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
  readonly key: string;
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
  #key: string;
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
    this.#key = drawKey(random);
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
      this.#key = drawKey(this.#random);
      this.#keyMadeAt = now;
      this.#senders = new Map();
      this.#wider = new Map();
    }
    const name = this.#hash(narrowestName(address));
    const known = this.#senders.get(name);
    // The most recently seen stand last, so that a full map forgets those that have been quiet.
    if (known !== undefined) this.#senders.delete(name);
    const sender = known ?? this.#remember(address, now);
    this.#senders.set(name, sender);
    if (this.#senders.size > this.#maxAddresses) this.#forgetQuietest();
    return sender;
  }

  #forgetQuietest(): void {
    for (const [quietest, { wider }] of this.#senders) {
      if (this.#senders.size <= this.#maxAddresses) break;
      this.#senders.delete(quietest);
      for (const group of wider) this.#forgetMember(group);
    }
  }

  #remember(address: string, now: number): Remembered {
    const [narrowest = { name: "", allowance: 1 }, ...wider] = classesOf(address);
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

/** 32 random bytes as 64 characters: one whole block of the hash, so that no name can stand in for a part of the key. */
function drawKey(random: RandomSource): string {
  return toHex(random(32));
}

/**
 * A keyed hash that nobody is shown: with the key in front, SHA-256 in one call of the runtime is as good as HMAC, whose
 * object costs more than all the rest of an admission.
 */
function hashUnder(key: string, name: string): string {
  return hash("sha256", key + name, "hex");
}
