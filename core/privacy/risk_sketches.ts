/**
 * The sketches of one application within one pseudonym period, as one process holds them.
 *
 * @module
 */
import { utf8 } from "../bytes.ts";
import type { ValidEvent } from "../telemetry/validate.ts";
import type { ComparisonDomain } from "./comparison_domain.ts";
import { type Hash64, HASH64_LENGTH, writeHash64 } from "./hash64.ts";
import { type KhllParameters, KHyperLogLog } from "./khll.ts";
import type { Layout } from "./risk_dimensions.ts";

/** How the people of an event are counted: a sketch with one value, whose standard error is 1.6 %. */
export const PEOPLE: KhllParameters = { k: 2, registerCount: 4096 };

const EVERYBODY: Hash64 = { high: 0, low: 0 };

/** The sketches of one event. */
export class EventSketches {
  /** Whether something was observed that has not been merged yet. */
  changed = false;
  /** Whose events these are; one value only. */
  readonly people: KHyperLogLog = new KHyperLogLog(PEOPLE);
  /** One for each dimension of the layout, in its order. */
  readonly sketches: readonly KHyperLogLog[];

  /** Nothing observed yet. */
  constructor(readonly layout: Layout, parameters: KhllParameters) {
    this.sketches = layout.dimensions.map(() => new KHyperLogLog(parameters));
  }

  /** How many pseudonyms sent the event. */
  get pseudonyms(): number {
    return this.people.size === 0 ? 0 : Math.round(this.people.pseudonymsAt(0).cardinality());
  }

  /** Adds an event that was accepted. */
  add(event: ValidEvent, pseudonym: Hash64, domain: ComparisonDomain): void {
    const hashes = this.layout.fields.map((field) =>
      domain.hashValue(canonicalValue(event.fields[field] ?? null))
    );
    this.people.add(EVERYBODY, pseudonym);
    for (const [index, { indexes }] of this.layout.dimensions.entries()) {
      const value = indexes.length === 1 ? hashes[indexes[0]!]! : combine(indexes, hashes, domain);
      this.sketches[index]!.add(value, pseudonym);
    }
    this.changed = true;
  }
}

/** The bytes of a field's value, the same for equal values of any field: its JSON. An absent value is null. */
export function canonicalValue(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}

/** The hash of several values together: that of their hashes, which have a fixed length each. */
function combine(indexes: readonly number[], hashes: readonly Hash64[], domain: ComparisonDomain): Hash64 {
  const joined = new Uint8Array(HASH64_LENGTH * indexes.length);
  const view = new DataView(joined.buffer);
  for (const [position, index] of indexes.entries()) {
    writeHash64(view, HASH64_LENGTH * position, hashes[index]!);
  }
  return domain.hashValue(joined);
}
