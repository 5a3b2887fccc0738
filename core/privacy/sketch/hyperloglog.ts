/**
 * A sketch of a set of pseudonyms: exact up to 64 of them, then HyperLogLog (Flajolet et al., AofA 2007) on registers
 * of a byte each. Its state depends on the set alone, never on order or repetition, and so does its serialization.
 *
 * @module
 */
import { DecodeError } from "../../base/bytes.ts";
import { type Hash64, HASH64_LENGTH, readHash64, writeHash64 } from "./hash64.ts";

/** Up to this many pseudonyms are kept as they are and counted exactly. */
export const EXACT_LIMIT = 64;

/** M: registers by default; the standard error of an estimate is 1.04 / sqrt(M), 3.3 %. */
export const DEFAULT_REGISTER_COUNT = 1024;

/** Throws a `RangeError` unless `registerCount` is a power of two from 16 to 16384. */
export function checkRegisterCount(registerCount: number): void {
  if (!Number.isInteger(registerCount) || registerCount < 16 || registerCount > 16384) {
    throw new RangeError(`Cannot make a HyperLogLog: ${registerCount} registers are outside 16..16384`);
  }
  if ((registerCount & (registerCount - 1)) !== 0) {
    throw new RangeError(`Cannot make a HyperLogLog: ${registerCount} registers are not a power of two`);
  }
}

/** A set of hashed pseudonyms that can be counted and merged. */
export class HyperLogLog {
  /** M: a power of two from 16 to 16384. */
  readonly registerCount: number;
  /** Ascending, high and low half of a hash in turn, as long as the set is exact. */
  #ids = NONE;
  #idCount = 0;
  #registers: Uint8Array | undefined;

  /** An empty set. Throws a `RangeError` unless `registerCount` is a power of two from 16 to 16384. */
  constructor(registerCount: number = DEFAULT_REGISTER_COUNT) {
    checkRegisterCount(registerCount);
    this.registerCount = registerCount;
  }

  /** Whether the set is still kept exactly. */
  get isExact(): boolean {
    return this.#registers === undefined;
  }

  /** Adds a pseudonym's hash; one that is there already changes nothing. */
  add(id: Hash64): void {
    if (this.#registers) this.#raise(this.#registers, id.high, id.low);
    else this.#insert(id.high, id.low);
  }

  /** Adds everything that `other` holds. Throws a `RangeError` if it has another number of registers. */
  merge(other: HyperLogLog): void {
    if (other.registerCount !== this.registerCount) {
      throw new RangeError(
        `Cannot merge HyperLogLogs: ${other.registerCount} registers instead of ${this.registerCount}`,
      );
    }
    const theirs = other.#registers;
    if (!theirs) {
      for (let index = 0; index < other.#idCount; index++) {
        this.add({ high: at(other.#ids, 2 * index), low: at(other.#ids, 2 * index + 1) });
      }
      return;
    }
    const ours = this.#registers ?? this.#toRegisters();
    for (let index = 0; index < ours.length; index++) {
      if (at(theirs, index) > at(ours, index)) ours[index] = at(theirs, index);
    }
  }

  /** An independent copy. */
  clone(): HyperLogLog {
    const copy = new HyperLogLog(this.registerCount);
    copy.#ids = this.#ids.slice();
    copy.#idCount = this.#idCount;
    copy.#registers = this.#registers?.slice();
    return copy;
  }

  /** How many pseudonyms there are: exact up to 64, an estimate beyond. */
  cardinality(): number {
    return this.#registers ? estimate(this.#registers, this.#maximumRank) : this.#idCount;
  }

  /** Whether there are at most `count` pseudonyms: exact for counts up to 64. */
  hasAtMost(count: number): boolean {
    return (this.isExact || count > EXACT_LIMIT) && this.cardinality() <= count;
  }

  /** The hashes of a set that is still exact, ascending; none of one that is not. */
  exactIds(): Hash64[] {
    return Array.from({ length: this.#idCount }, (_, index) => ({
      high: at(this.#ids, 2 * index),
      low: at(this.#ids, 2 * index + 1),
    }));
  }

  /** The bytes that {@linkcode HyperLogLog.write} writes: 1 + 8 n for an exact set of n, else 1 + M. */
  get byteLength(): number {
    return 1 + (this.#registers?.length ?? HASH64_LENGTH * this.#idCount);
  }

  /** Writes the set at `offset`: u8 n, then n hashes ascending; or u8 0xff, then a byte a register. */
  write(bytes: Uint8Array, offset: number): void {
    if (this.#registers) {
      bytes[offset] = REGISTERS;
      bytes.set(this.#registers, offset + 1);
      return;
    }
    bytes[offset] = this.#idCount;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let index = 0; index < this.#idCount; index++) {
      const id = { high: at(this.#ids, 2 * index), low: at(this.#ids, 2 * index + 1) };
      writeHash64(view, offset + 1 + HASH64_LENGTH * index, id);
    }
  }

  /**
   * Reads the set at `offset`; its `byteLength` says where it ends.
   * @throws {DecodeError} If it is cut off, an exact set is not strictly ascending, or no set has these registers.
   */
  static read(bytes: Uint8Array, offset: number, registerCount: number): HyperLogLog {
    const sketch = new HyperLogLog(registerCount);
    const kind = bytes[offset];
    if (kind === undefined) throw new DecodeError("Cannot decode HyperLogLog: the input ends early");
    if (kind !== REGISTERS && kind > EXACT_LIMIT) {
      throw new DecodeError(
        `Cannot decode HyperLogLog: ${kind} is neither a length nor the mark of registers`,
      );
    }
    const length = kind === REGISTERS ? registerCount : HASH64_LENGTH * kind;
    if (offset + 1 + length > bytes.length) {
      throw new DecodeError("Cannot decode HyperLogLog: the input ends early");
    }
    if (kind === REGISTERS) {
      sketch.#readRegisters(bytes.slice(offset + 1, offset + 1 + length));
    } else {
      sketch.#readIds(new DataView(bytes.buffer, bytes.byteOffset + offset + 1, length), kind);
    }
    return sketch;
  }

  #readRegisters(registers: Uint8Array): void {
    if (registers.some((rank) => rank > this.#maximumRank)) {
      throw new DecodeError("Cannot decode HyperLogLog: a register is above the greatest rank");
    }
    if (registers.every((rank) => rank === 0)) {
      throw new DecodeError("Cannot decode HyperLogLog: all registers are empty");
    }
    this.#registers = registers;
  }

  #readIds(view: DataView, count: number): void {
    this.#ids = new Uint32Array(2 * count);
    for (let index = 0; index < count; index++) {
      const { high, low } = readHash64(view, HASH64_LENGTH * index);
      if (index > 0) {
        const before = at(this.#ids, 2 * index - 2);
        if (high < before || (high === before && low <= at(this.#ids, 2 * index - 1))) {
          throw new DecodeError("Cannot decode HyperLogLog: the hashes are not strictly ascending");
        }
      }
      this.#ids[2 * index] = high;
      this.#ids[2 * index + 1] = low;
    }
    this.#idCount = count;
  }

  /** The bits of a hash that choose a register. */
  get #indexBits(): number {
    return 31 - Math.clz32(this.registerCount);
  }

  /** q + 1: the rank of a hash whose other bits are all zero. */
  get #maximumRank(): number {
    return 64 - this.#indexBits + 1;
  }

  #insert(high: number, low: number): void {
    const ids = this.#ids;
    let position = this.#idCount;
    while (position > 0) {
      const before = at(ids, 2 * position - 2);
      if (before < high || (before === high && at(ids, 2 * position - 1) < low)) break;
      if (before === high && ids[2 * position - 1] === low) return;
      position--;
    }
    if (this.#idCount === EXACT_LIMIT) {
      this.#raise(this.#toRegisters(), high, low);
      return;
    }
    let grown = ids;
    if (2 * this.#idCount === ids.length) {
      grown = new Uint32Array(Math.max(2, 2 * ids.length));
      grown.set(ids);
      this.#ids = grown;
    }
    grown.copyWithin(2 * position + 2, 2 * position, 2 * this.#idCount);
    grown[2 * position] = high;
    grown[2 * position + 1] = low;
    this.#idCount++;
  }

  #toRegisters(): Uint8Array {
    const registers = new Uint8Array(this.registerCount);
    for (let index = 0; index < this.#idCount; index++) {
      this.#raise(registers, at(this.#ids, 2 * index), at(this.#ids, 2 * index + 1));
    }
    this.#registers = registers;
    this.#ids = NONE;
    this.#idCount = 0;
    return registers;
  }

  /** Raises the register that the hash's first bits name to the position of the first one among its other bits. */
  #raise(registers: Uint8Array, high: number, low: number): void {
    const bits = this.#indexBits;
    const register = high >>> (32 - bits);
    const rest = high << bits;
    const rank = rest !== 0 ? Math.clz32(rest) + 1 : 32 - bits + Math.clz32(low) + 1;
    if (rank > at(registers, register)) registers[register] = rank;
  }
}

/** Shared by all sketches that keep no hash, since an array of its own costs each a microsecond. */
const NONE = new Uint32Array(0);

/** Marks registers where an exact set has its length. */
const REGISTERS = 0xff;

/**
 * The improved raw estimator of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
 * algorithm 6: a bias of about 1 / M over the whole range, far below the standard error, and without the switch-over that
 * gives the original its hump.
 */
function estimate(registers: Uint8Array, maximumRank: number): number {
  const m = registers.length;
  const counts = new Uint32Array(maximumRank + 1);
  for (const rank of registers) counts[rank] = at(counts, rank) + 1;
  let z = m * tau(1 - at(counts, maximumRank) / m);
  for (let rank = maximumRank - 1; rank >= 1; rank--) z = 0.5 * (z + at(counts, rank));
  z += m * sigma(at(counts, 0) / m);
  return m * m / (2 * Math.LN2 * z);
}

/** x + sum over k >= 1 of x^(2^k) 2^(k-1). */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x, weight = 1, sum = x, before: number;
  do {
    power *= power;
    before = sum;
    sum += power * weight;
    weight += weight;
  } while (sum !== before);
  return sum;
}

/** (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x, weight = 1, sum = 1 - x, before: number;
  do {
    root = Math.sqrt(root);
    before = sum;
    weight *= 0.5;
    sum -= (1 - root) ** 2 * weight;
  } while (sum !== before);
  return sum / 3;
}

/** An element at an index that is below the length. */
function at(elements: Uint8Array | Uint32Array, index: number): number {
  return elements[index]!;
}
