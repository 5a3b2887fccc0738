/**
 * The sketches of one application within one pseudonym period, as one process holds them.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import type { ValidEvent } from "../../schema/validate.ts";
import type { ComparisonDomain } from "../dp/comparison_domain.ts";
import { type Hash64, HASH64_LENGTH, writeHash64 } from "../sketch/hash64.ts";
import { type KhllParameters, KHyperLogLog } from "../sketch/khll.ts";
import type { Layout } from "./dimensions.ts";

/** How the people of an event are counted: a sketch with one value, whose standard error is 1.6 %. */
export const PEOPLE: KhllParameters = { k: 2, registerCount: 4096 };

const EVERYBODY: Hash64 = { high: 0, low: 0 };

/** Values of a field whose hashes are remembered: all of most fields, and a bound for the others. */
const REMEMBERED_VALUES = 4_096;

/** The sketches of one event. */
export class EventSketches {
  /** Whether something was observed that has not been merged yet. */
  changed = false;
  /** Whose events these are; one value only. */
  readonly people: KHyperLogLog = new KHyperLogLog(PEOPLE);
  /** One for each dimension of the layout, in its order. */
  readonly sketches: readonly KHyperLogLog[];
  readonly #domain: ComparisonDomain;
  /** By field: to encode and hash a value costs more than its sketch does. */
  readonly #hashes: readonly Map<unknown, Hash64>[];
  /** By the number of values: what is hashed of a combination. */
  readonly #joined: readonly DataView[];

  /** Nothing observed yet. All values have to be hashed in one `domain`. */
  constructor(
    readonly layout: Layout,
    parameters: KhllParameters,
    domain: ComparisonDomain,
  ) {
    this.#domain = domain;
    this.sketches = layout.dimensions.map(() => new KHyperLogLog(parameters));
    this.#hashes = layout.fields.map(() => new Map());
    this.#joined = Array.from(
      { length: layout.fields.length + 1 },
      (_, count) => new DataView(new ArrayBuffer(HASH64_LENGTH * count)),
    );
  }

  /** How many pseudonyms sent the event. */
  get pseudonyms(): number {
    return this.people.size === 0 ? 0 : Math.round(this.people.pseudonymsAt(0).cardinality());
  }

  /** Adds an event that was accepted. Gives the hashes of the measured fields, in their order. */
  add(event: ValidEvent, pseudonym: Hash64): readonly Hash64[] {
    const hashes = this.layout.fields.map((field, index) => this.#hash(index, event.fields[field] ?? null));
    this.people.add(EVERYBODY, pseudonym);
    for (const [index, { indexes }] of this.layout.dimensions.entries()) {
      const value = indexes.length === 1 ? hashes[indexes[0]!]! : this.#combine(indexes, hashes);
      this.sketches[index]!.add(value, pseudonym);
    }
    this.changed = true;
    return hashes;
  }

  #hash(field: number, value: unknown): Hash64 {
    const known = this.#hashes[field]!;
    let hash = known.get(value);
    if (hash === undefined) {
      hash = this.#domain.hashValue(canonicalValue(value));
      if (known.size === REMEMBERED_VALUES) known.clear();
      known.set(value, hash);
    }
    return hash;
  }

  /** The hash of several values together: that of their hashes, which have a fixed length each. */
  #combine(indexes: readonly number[], hashes: readonly Hash64[]): Hash64 {
    const view = this.#joined[indexes.length]!;
    for (const [position, index] of indexes.entries()) {
      writeHash64(view, HASH64_LENGTH * position, hashes[index]!);
    }
    return this.#domain.hashValue(new Uint8Array(view.buffer));
  }
}

/** The bytes of a field's value, the same for equal values of any field: its JSON. An absent value is null. */
function canonicalValue(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}
