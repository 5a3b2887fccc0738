/**
 * A bounded table of byte strings in a few flat arrays: what a process remembers of many tokens and claims, without
 * objects for each of them that the garbage collector has to walk.
 *
 * @module
 */
import type { RandomSource } from "./random.ts";

/** Lengths in bytes, and how many entries there are at most. */
export interface ByteLruOptions {
  readonly keyLength: number;
  readonly valueLength: number;
  readonly capacity: number;
  /** Where the hash of keys starts. One that nobody else knows keeps others from choosing keys that collide. */
  readonly seed: number;
}

/** A seed for the hash of a table. */
export function randomSeed(random: RandomSource): number {
  return new DataView(random(4).buffer).getInt32(0);
}

/** No slot; and in the ring of use, the place between the newest and the oldest. */
const NONE = 0;
/** What a free slot has for a newer neighbour. */
const FREE = -1;

/**
 * A map from byte strings to byte strings, each of one length, that forgets the entry which was used the longest ago.
 * What it forgets is overwritten. It takes and gives copies.
 */
export class ByteLru {
  readonly #options: ByteLruOptions;
  // Slots count from 1, so that arrays of zeros are an empty table.
  readonly #keys: Uint8Array;
  readonly #values: Uint8Array<ArrayBuffer>;
  /** The first slot of the chain of each hash, and the one behind each slot; free slots are a chain of their own. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  /** The ring of use: the neighbours of each slot. */
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  #firstFree = NONE;
  /** Slots that were ever taken. */
  #taken = 0;
  #size = 0;

  /**
   * Makes an empty table. All its memory is asked for here; the system gives it as it fills.
   * @throws {RangeError} If it could not hold a single entry.
   */
  constructor(options: ByteLruOptions) {
    const { keyLength, valueLength, capacity } = options;
    if (!(Number.isInteger(capacity) && capacity > 0)) {
      throw new RangeError(`A table holds 1 entry or more, not ${capacity}`);
    }
    this.#options = options;
    this.#keys = new Uint8Array((capacity + 1) * keyLength);
    this.#values = new Uint8Array((capacity + 1) * valueLength);
    this.#first = new Int32Array(2 ** Math.ceil(Math.log2(capacity + 1)));
    this.#next = new Int32Array(capacity + 1);
    this.#newer = new Int32Array(capacity + 1);
    this.#older = new Int32Array(capacity + 1);
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /**
   * The value of a key; that counts as a use.
   * @throws {RangeError} If no key has this length.
   */
  get(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const slot = this.#find(key);
    if (slot === NONE) return undefined;
    this.#unlink(slot);
    this.#link(slot);
    return this.#values.slice(slot * this.#options.valueLength, (slot + 1) * this.#options.valueLength);
  }

  /**
   * Sets a value, and forgets the entry that was used the longest ago if there is no room.
   * @throws {RangeError} If key or value has another length than those here.
   */
  set(key: Uint8Array, value: Uint8Array): void {
    const { valueLength, capacity } = this.#options;
    if (value.length !== valueLength) {
      throw new RangeError(`Values have ${valueLength} bytes here, not ${value.length}`);
    }
    let slot = this.#find(key);
    if (slot === NONE) {
      if (this.#size === capacity) this.#forget(at(this.#newer, NONE));
      slot = this.#take(key);
    } else this.#unlink(slot);
    this.#link(slot);
    this.#values.set(value, slot * valueLength);
  }

  /** Forgets all entries whose key starts with `prefix`. It goes by slots: along the ring, memory is read crosswise. */
  clear(prefix: Uint8Array): void {
    for (let slot = 1; slot <= this.#taken; slot++) {
      if (this.#newer[slot] !== FREE && this.#startsWith(slot, prefix)) this.#forget(slot);
    }
  }

  #find(key: Uint8Array): number {
    const { keyLength } = this.#options;
    // A shorter one would find whatever it is the beginning of.
    if (key.length !== keyLength) {
      throw new RangeError(`Keys have ${keyLength} bytes here, not ${key.length}`);
    }
    let slot = at(this.#first, this.#hash(key));
    while (slot !== NONE && !this.#startsWith(slot, key)) slot = at(this.#next, slot);
    return slot;
  }

  #startsWith(slot: number, prefix: Uint8Array): boolean {
    const start = slot * this.#options.keyLength;
    for (let index = 0; index < prefix.length; index++) {
      if (this.#keys[start + index] !== prefix[index]) return false;
    }
    return true;
  }

  #take(key: Uint8Array): number {
    let slot = this.#firstFree;
    if (slot === NONE) slot = ++this.#taken;
    else this.#firstFree = at(this.#next, slot);
    const hash = this.#hash(key);
    this.#keys.set(key, slot * this.#options.keyLength);
    this.#next[slot] = at(this.#first, hash);
    this.#first[hash] = slot;
    this.#size++;
    return slot;
  }

  #forget(slot: number): void {
    const { keyLength, valueLength } = this.#options;
    const key = this.#keys.subarray(slot * keyLength, (slot + 1) * keyLength);
    const hash = this.#hash(key);
    if (this.#first[hash] === slot) this.#first[hash] = at(this.#next, slot);
    else {
      let before = at(this.#first, hash);
      while (this.#next[before] !== slot) before = at(this.#next, before);
      this.#next[before] = at(this.#next, slot);
    }
    this.#unlink(slot);
    key.fill(0);
    this.#values.fill(0, slot * valueLength, (slot + 1) * valueLength);
    this.#newer[slot] = FREE;
    this.#next[slot] = this.#firstFree;
    this.#firstFree = slot;
    this.#size--;
  }

  /** Puts a slot behind the newest one. */
  #link(slot: number): void {
    const newest = at(this.#older, NONE);
    this.#older[slot] = newest;
    this.#newer[slot] = NONE;
    this.#newer[newest] = this.#older[NONE] = slot;
  }

  #unlink(slot: number): void {
    const older = at(this.#older, slot);
    const newer = at(this.#newer, slot);
    this.#newer[older] = newer;
    this.#older[newer] = older;
  }

  /** FNV-1a from the seed on; its upper bits reach the lower ones, which are taken. */
  #hash(key: Uint8Array): number {
    let hash = this.#options.seed;
    for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key[index]!, 0x01000193);
    return (hash ^ hash >>> 15) & (this.#first.length - 1);
  }
}

/** The slot that a slot leads to: every slot that is handed out has one. */
function at(links: Int32Array, slot: number): number {
  return links[slot]!;
}
