/**
 * KHyperLogLog (Chia et al., "KHyperLogLog: Estimating reidentifiability and joinability of large data at scale",
 * IEEE S&P 2019): from the K smallest keyed hashes of a field's values to a sketch of the pseudonyms seen with each.
 *
 * The K smallest hashes are a uniform sample of the distinct values, whatever their frequencies. A value that belongs to
 * the sample at the end belonged to it from its first occurrence on, so its pseudonyms are complete; hence the state
 * depends on the set of (value, pseudonym) pairs alone, never on order, repetition or grouping.
 *
 * @module
 */
import type { Hash64 } from "./hash64.ts";
import { checkRegisterCount, DEFAULT_REGISTER_COUNT, HyperLogLog } from "./hyperloglog.ts";

/** K by default: the relative standard error of a cardinality is 1 / sqrt(K), 2.2 %. */
const DEFAULT_K = 2048;

/** Greatest K. */
const MAXIMUM_K = 65535;

/** The parameters of a sketch. Only sketches with the same ones can be merged. */
export interface KhllParameters {
  /** K: how many values are kept, 2..65535. */
  readonly k: number;
  /** M: registers of each sketch of pseudonyms, a power of two from 16 to 16384. */
  readonly registerCount: number;
}

/** How many of the sampled values have some property. */
export interface Proportion {
  /** Values that have it. */
  readonly matching: number;
  /** Values looked at. */
  readonly sampled: number;
}

/** One step of a uniqueness distribution. */
export interface UniquenessStep {
  /** How many pseudonyms a value was seen with, rounded. */
  readonly pseudonyms: number;
  /** How many of the sampled values were seen with that many. */
  readonly values: number;
}

/**
 * The sketch of one field, one pair of fields or one whole record. It holds at most K values of at most M + some hundred
 * bytes each: 2.3 MB with the defaults, whatever it is fed.
 */
export class KHyperLogLog {
  /** K. */
  readonly k: number;
  /** M. */
  readonly registerCount: number;
  // Ascending. Finding a place takes 11 comparisons; making one moves up to 20 KiB, and that rarely: a stream of n
  // distinct values enters the K smallest only K ln(n / K) times.
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  /** Where in `#pseudonyms` a value's are: to move 2 bytes is cheaper than to move objects. */
  readonly #slots: Uint16Array;
  readonly #pseudonyms: HyperLogLog[] = [];

  /** An empty sketch. Throws a `RangeError` for parameters that are out of range. */
  constructor({ k = DEFAULT_K, registerCount = DEFAULT_REGISTER_COUNT }: Partial<KhllParameters> = {}) {
    if (!Number.isInteger(k) || k < 2 || k > MAXIMUM_K) {
      throw new RangeError(`Cannot make a KHyperLogLog: K ${k} is outside 2..${MAXIMUM_K}`);
    }
    checkRegisterCount(registerCount);
    this.k = k;
    this.registerCount = registerCount;
    this.#high = new Uint32Array(k);
    this.#low = new Uint32Array(k);
    this.#slots = new Uint16Array(k);
  }

  /** How many values are kept: all there are below K, else K. */
  get size(): number {
    return this.#pseudonyms.length;
  }

  /** Whether K values are kept, so that there may be more than these. */
  get isFull(): boolean {
    return this.size === this.k;
  }

  /** The hash of the kept value number `index`; they ascend. Throws a `RangeError` outside 0..size - 1. */
  hashAt(index: number): Hash64 {
    this.#checkIndex(index);
    return { high: at(this.#high, index), low: at(this.#low, index) };
  }

  /** The pseudonyms seen with the kept value number `index`. Not a copy. Throws a `RangeError` outside 0..size - 1. */
  pseudonymsAt(index: number): HyperLogLog {
    this.#checkIndex(index);
    return this.#at(index);
  }

  /** Records that `value` was seen with `pseudonym`, both hashed under the keys of one comparison domain. */
  add(value: Hash64, pseudonym: Hash64): void {
    const index = this.#find(value);
    if (index === this.k) return;
    if (!this.#isAt(index, value)) this.#insert(index, value, new HyperLogLog(this.registerCount));
    this.#at(index).add(pseudonym);
  }

  /** Records a value with all of these pseudonyms, which are copied. Throws a `RangeError` if their M differs. */
  addAll(value: Hash64, pseudonyms: HyperLogLog): void {
    if (pseudonyms.registerCount !== this.registerCount) {
      throw new RangeError(
        `Cannot add pseudonyms: ${pseudonyms.registerCount} registers instead of ${this.registerCount}`,
      );
    }
    const index = this.#find(value);
    if (index === this.k) return;
    if (this.#isAt(index, value)) this.#at(index).merge(pseudonyms);
    else this.#insert(index, value, pseudonyms.clone());
  }

  /** Adds everything that `other` holds. Throws a `RangeError` if its K or M differs. */
  merge(other: KHyperLogLog): void {
    if (other.k !== this.k) {
      throw new RangeError(`Cannot merge KHyperLogLogs: K is ${other.k} instead of ${this.k}`);
    }
    for (let index = 0; index < other.size; index++) {
      this.addAll(other.hashAt(index), other.#at(index));
    }
  }

  /**
   * How many distinct values there are: exact below K, else (K - 1) / (the K-th smallest hash as a fraction), the
   * unbiased estimator of Bar-Yossef et al. (RANDOM 2002) and Beyer et al. (SIGMOD 2007).
   */
  cardinality(): number {
    return this.isFull ? (this.k - 1) / fraction(this.hashAt(this.k - 1)) : this.size;
  }

  /** How many pseudonyms the sampled values were seen with, ascending; `values` add up to `size`. */
  uniquenessDistribution(): UniquenessStep[] {
    const values = new Map<number, number>();
    for (const sketch of this.#pseudonyms) {
      const pseudonyms = Math.round(sketch.cardinality());
      values.set(pseudonyms, (values.get(pseudonyms) ?? 0) + 1);
    }
    return [...values].map(([pseudonyms, values]) => ({ pseudonyms, values }))
      .sort((a, b) => a.pseudonyms - b.pseudonyms);
  }

  /**
   * Re-identification potential: how many of the sampled values were seen with at most `k` pseudonyms. The share is
   * `matching / sampled`; `wilsonInterval` says how far it can be trusted.
   */
  reidentificationPotential(k: number): Proportion {
    const matching = this.#pseudonyms.reduce((sum, sketch) => sum + (sketch.hasAtMost(k) ? 1 : 0), 0);
    return { matching, sampled: this.size };
  }

  /** The place of the first kept hash that is not below `hash`; K if the hash is above all of K. */
  #find({ high, low }: Hash64): number {
    const highs = this.#high, lows = this.#low;
    let from = 0, to = this.#pseudonyms.length;
    // Nearly every update of a field with many values ends here.
    if (to === this.k) {
      const last = to - 1;
      if (at(highs, last) < high || (highs[last] === high && at(lows, last) < low)) return to;
    }
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (at(highs, middle) < high || (highs[middle] === high && at(lows, middle) < low)) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #isAt(index: number, { high, low }: Hash64): boolean {
    return index < this.size && this.#high[index] === high && this.#low[index] === low;
  }

  #insert(index: number, hash: Hash64, pseudonyms: HyperLogLog): void {
    // The greatest hash makes room for a new one, and so does its slot.
    const slot = this.isFull ? at(this.#slots, this.k - 1) : this.size;
    this.#high.copyWithin(index + 1, index, this.size);
    this.#low.copyWithin(index + 1, index, this.size);
    this.#slots.copyWithin(index + 1, index, this.size);
    this.#high[index] = hash.high;
    this.#low[index] = hash.low;
    this.#slots[index] = slot;
    this.#pseudonyms[slot] = pseudonyms;
  }

  #at(index: number): HyperLogLog {
    return this.#pseudonyms[at(this.#slots, index)]!;
  }

  #checkIndex(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) {
      throw new RangeError(`Cannot read a kept value: ${index} is outside 0..${this.size - 1}`);
    }
  }
}

/** A hash as the fraction of the hash space up to and including it, in (0, 1]. */
export function fraction({ high, low }: Hash64): number {
  return (high + (low + 1) / 2 ** 32) / 2 ** 32;
}

/** An element at an index that is below the length. */
function at(elements: Uint32Array | Uint16Array, index: number): number {
  return elements[index]!;
}
