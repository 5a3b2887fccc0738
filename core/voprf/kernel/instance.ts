/**
 * An instance of the module as a {@linkcode Kernel}: byte strings in and out of its memory, batches in portions of what
 * the memory holds, and all that was secret wiped before a call returns.
 *
 * @module
 */
import { fromHex, isZero } from "../../base/bytes.ts";
import { itemAt } from "../../base/item_at.ts";
import { LAYOUT } from "./binary.ts";
import { type Bytes, type Kernel, KernelFault } from "./kernel.ts";

const { CAPACITY, INPUT, SCALARS, OUTPUT, VALID, POINTS, SECRETS, END } = LAYOUT;

/** What the module exports. Counts are pairs of elements, unless said. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  /** Three vectors of the input: a * b + c goes to the output. */
  fusedMultiplyAdd(): void;
  /** Decodes elements, and writes a mask a pair; 1 if all are canonical. */
  decodePoints(pairs: number): number;
  /** Derives points from uniform strings. */
  derivePoints(pairs: number): void;
  /** Multiplies the points by scalars that are `stride` bytes apart. */
  multiplyPoints(pairs: number, stride: number): void;
  /** Sums the points with weights, as one product. */
  combinePoints(pairs: number): void;
  /** Encodes the products; 1 if all are on the curve. */
  encodeProducts(pairs: number): number;
  /** 1 if the scalar at an address is below the order. */
  isCanonical(scalar: number): number;
  reduceScalar(): void;
  subtractProduct(): void;
  /** Inverts a number of scalars. */
  invertScalars(count: number): void;
}

/** The generator of the group (RFC 9496, appendix A.1). */
const GENERATOR = fromHex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76");
const ONE = Uint8Array.of(1, ...new Uint8Array(31));

const pairsOf = (count: number) => (count + 1) >> 1;

/** Cuts an array into portions that the memory holds. */
function portions<T>(items: readonly T[]): (readonly T[])[] {
  return Array.from(
    { length: Math.ceil(items.length / CAPACITY) },
    (_, index) => items.slice(index * CAPACITY, (index + 1) * CAPACITY),
  );
}

function checkLength(strings: readonly Uint8Array[], length: number, what: string): void {
  for (const string of strings) {
    if (string.length !== length) {
      throw new RangeError(`Cannot compute: ${string.length} bytes of ${what} are not ${length}`);
    }
  }
}

function checkParallel(scalars: readonly Uint8Array[], others: readonly Uint8Array[]): void {
  if (scalars.length !== others.length) {
    throw new RangeError(`Cannot compute: ${scalars.length} scalars are not ${others.length}`);
  }
}

/** How the points of a portion come to be: decoded from elements, or derived from uniform strings. */
type Source = "elements" | "uniforms";
const SOURCE_LENGTH: Readonly<Record<Source, number>> = { elements: 32, uniforms: 64 };

/** A {@linkcode Kernel} over one instance. */
export class KernelInstance implements Kernel {
  readonly #exports: Exports;
  readonly #memory: Bytes;
  /** The elements whose points lie in memory. */
  #decoded: Bytes | undefined;
  #broken = false;

  /** Takes an instance of the module of binary.ts, and no other. */
  constructor(instance: WebAssembly.Instance) {
    this.#exports = instance.exports as unknown as Exports;
    this.#memory = new Uint8Array(this.#exports.memory.buffer as ArrayBuffer);
  }

  multiplyAll(scalar: Uint8Array, elements: readonly Uint8Array[]): Bytes[] | undefined {
    return this.#multiply([scalar], elements, "elements");
  }

  multiplyEach(scalars: readonly Uint8Array[], elements: readonly Uint8Array[]): Bytes[] | undefined {
    checkParallel(scalars, elements);
    return this.#multiply(scalars, elements, "elements");
  }

  multiplyBase(scalars: readonly Uint8Array[]): Bytes[] {
    return this.#computed(this.#multiply(scalars, scalars.map(() => GENERATOR), "elements"));
  }

  mapAndMultiplyAll(scalar: Uint8Array, uniforms: readonly Uint8Array[]): Bytes[] {
    return this.#computed(this.#multiply([scalar], uniforms, "uniforms"));
  }

  mapAndMultiplyEach(scalars: readonly Uint8Array[], uniforms: readonly Uint8Array[]): Bytes[] {
    checkParallel(scalars, uniforms);
    return this.#computed(this.#multiply(scalars, uniforms, "uniforms"));
  }

  combine(weights: readonly Uint8Array[], elements: readonly Uint8Array[]): Bytes | undefined {
    checkParallel(weights, elements);
    const sums: Bytes[] = [];
    const weightsOf = portions(weights);
    for (const [index, portion] of portions(elements).entries()) {
      const sum = this.#run(() => {
        this.#putScalars(itemAt(weightsOf, index));
        if (!this.#decode(portion)) return undefined;
        this.#exports.combinePoints(pairsOf(portion.length));
        return this.#take(1);
      });
      if (sum === undefined) return undefined;
      sums.push(...sum);
    }
    const [first = new Uint8Array(32), ...others] = sums;
    return others.length === 0 ? first : this.combine(sums.map(() => ONE), sums);
  }

  areElements(elements: readonly Uint8Array[]): boolean[] {
    return portions(elements).flatMap((portion) =>
      this.#run(() => {
        this.#decode(portion);
        return portion.map((_, index) => this.#memory[VALID + 8 * index] !== 0);
      })
    );
  }

  reduceScalar(wide: Uint8Array): Bytes {
    checkLength([wide], 64, "a wide scalar");
    return this.#run(() => {
      this.#memory.set(wide, INPUT);
      this.#exports.reduceScalar();
      return this.#memory.slice(OUTPUT, OUTPUT + 32);
    });
  }

  subtractProduct(a: Uint8Array, b: Uint8Array, c: Uint8Array): Bytes {
    return this.#run(() => {
      this.#putScalars([a, b, c]);
      this.#exports.subtractProduct();
      return this.#memory.slice(OUTPUT, OUTPUT + 32);
    });
  }

  invertScalars(scalars: readonly Uint8Array[]): Bytes[] {
    if (scalars.some(isZero)) throw new RangeError("Cannot compute: zero has no inverse");
    return portions(scalars).flatMap((portion) =>
      this.#run(() => {
        this.#putScalars(portion);
        this.#exports.invertScalars(portion.length);
        return this.#results(portion.length);
      })
    );
  }

  isNonzeroScalar(scalar: Uint8Array): boolean {
    if (scalar.length !== 32) return false;
    return this.#run(() => {
      this.#memory.set(scalar, SCALARS);
      return this.#exports.isCanonical(SCALARS) === 1 && !isZero(scalar);
    });
  }

  /**
   * What the multiply-and-add of this CPU gives in each lane: `a * b + c`, in one rounding if it is fused.
   * For the start-up probe.
   */
  multiplyAndAdd(a: readonly number[], b: readonly number[], c: readonly number[]): [number, number] {
    return this.#run(() => {
      const numbers = new DataView(this.#memory.buffer);
      [...a, ...b, ...c].forEach((value, index) => numbers.setFloat64(INPUT + 8 * index, value, true));
      this.#exports.fusedMultiplyAdd();
      return [numbers.getFloat64(OUTPUT, true), numbers.getFloat64(OUTPUT + 8, true)];
    });
  }

  /** Runs a computation, and wipes what it left, whatever it did. */
  #run<T>(compute: () => T): T {
    if (this.#broken) throw new KernelFault("Cannot compute: this instance of the kernel is broken");
    try {
      return compute();
    } finally {
      this.#memory.fill(0, this.#decoded === undefined ? POINTS : SECRETS, END);
    }
  }

  #multiply(
    scalars: readonly Uint8Array[],
    strings: readonly Uint8Array[],
    source: Source,
  ): Bytes[] | undefined {
    const results: Bytes[] = [];
    // One scalar for all is read for each point; several go along with their points.
    const each = scalars.length === strings.length;
    const scalarsOf = each ? portions(scalars) : [];
    for (const [index, portion] of portions(strings).entries()) {
      const products = this.#run(() => {
        this.#putScalars(each ? itemAt(scalarsOf, index) : scalars);
        if (source === "uniforms") this.#derive(portion);
        else if (!this.#decode(portion)) return undefined;
        this.#exports.multiplyPoints(pairsOf(portion.length), each ? 32 : 0);
        return this.#take(portion.length);
      });
      if (products === undefined) return undefined;
      results.push(...products);
    }
    return results;
  }

  /** Copies scalars in. What pads an odd number of them is zero, for the memory was wiped. */
  #putScalars(scalars: readonly Uint8Array[]): void {
    checkLength(scalars, 32, "a scalar");
    scalars.forEach((scalar, index) => {
      const address = SCALARS + 32 * index;
      this.#memory.set(scalar, address);
      if (this.#exports.isCanonical(address) !== 1) {
        throw new RangeError("Cannot compute: a scalar is not below the order");
      }
    });
  }

  /** Copies strings in; the last one twice if they are odd in number. */
  #putInput(strings: readonly Uint8Array[], source: Source): Bytes {
    const length = SOURCE_LENGTH[source];
    checkLength(strings, length, source === "elements" ? "an element" : "a uniform string");
    const padded = strings.length % 2 === 0 ? strings : [...strings, itemAt(strings, strings.length - 1)];
    padded.forEach((string, index) => this.#memory.set(string, INPUT + length * index));
    return this.#memory.subarray(INPUT, INPUT + length * padded.length);
  }

  /** Whether all are elements. Then their points are in memory, where they were already if they are the last ones. */
  #decode(elements: readonly Uint8Array[]): boolean {
    const input = this.#putInput(elements, "elements");
    const known = this.#decoded;
    if (known?.length === input.length && known.every((byte, index) => byte === input[index])) return true;
    // Whatever ends the next call early, the points of the last elements are gone.
    this.#decoded = undefined;
    const valid = this.#exports.decodePoints(pairsOf(elements.length)) === 1;
    this.#decoded = valid ? input.slice() : undefined;
    return valid;
  }

  #derive(uniforms: readonly Uint8Array[]): void {
    this.#decoded = undefined;
    this.#putInput(uniforms, "uniforms");
    this.#exports.derivePoints(pairsOf(uniforms.length));
  }

  /** Encodes products and copies `count` of them out. */
  #take(count: number): Bytes[] {
    if (this.#exports.encodeProducts(pairsOf(count)) !== 1) {
      this.#broken = true;
      this.#decoded = undefined;
      throw new KernelFault("Cannot compute: a product is not on the curve");
    }
    return this.#results(count);
  }

  #results(count: number): Bytes[] {
    return Array.from({ length: count }, (_, index) => {
      const address = OUTPUT + 32 * index;
      return this.#memory.slice(address, address + 32);
    });
  }

  /** A result of arguments of which none can be malformed. */
  #computed(results: Bytes[] | undefined): Bytes[] {
    if (results === undefined) throw new KernelFault("Cannot compute: the generator did not decode");
    return results;
  }
}
