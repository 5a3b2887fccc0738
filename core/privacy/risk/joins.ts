/**
 * Which fields of which events link records by their values: pairs that share so many values that a person's record of
 * one finds their record of the other (Chia et al., IEEE S&P 2019, section V). All sketches of a deployment are hashed
 * in one comparison domain, so that this can be asked across applications, whose pseudonyms differ.
 *
 * @module
 */
import type { Interval } from "../dp/interval.ts";
import { wilsonInterval } from "../dp/wilson.ts";
import type { KHyperLogLog } from "../sketch/khll.ts";
import {
  containment,
  intersectionCardinality,
  jaccard,
  type Overlap,
  overlap,
} from "../sketch/khll_overlap.ts";
import type { JudgedEvent } from "./decisions.ts";

/** A field of an event of an application. */
export interface FieldName {
  /** The application's id. */
  readonly app: string;
  /** The event's name. */
  readonly event: string;
  /** The field's. */
  readonly field: string;
}

/** Two fields that share values. */
export interface Join {
  /** The field with fewer values. */
  readonly first: FieldName;
  /** The other one. */
  readonly second: FieldName;
  /** How many different values both have, estimated. */
  readonly shared: number;
  /** Of how many of the first's values it is known whether the second has them, a uniform sample. */
  readonly compared: number;
  /** The share of the first's values that the second has too, estimated. */
  readonly containment: number;
  /** What it is with 95 % confidence (Wilson); exactly the share where all values were compared. */
  readonly interval: Interval;
  /** The share of the values of either that both have. */
  readonly jaccard: number;
}

/** What was found of all pairs of fields. */
export interface Joins {
  /** The pairs of which one field seems to hold at least half of the other's values, the fullest first. */
  readonly joins: Join[];
  /**
   * Pairs that may be such, of which too few values could be compared to say so: where one field has very many more values
   * than the other, a sketch of it knows few of those that the other may have.
   */
  readonly undecided: number;
}

/** From this share on values are as good as a name that both sides know. */
const LEAST_CONTAINMENT = 0.5;
/** Confidence of intervals. */
const CONFIDENCE = 0.95;
/** Fields of fewer values contain one another by chance, and link nobody. */
const LEAST_VALUES = 100;

/** Of a measured event: what is needed to compare its fields. */
export interface Comparable extends Pick<JudgedEvent, "event" | "sketches"> {
  /** Its application. */
  readonly app: { readonly id: string };
  /** What is measured of it. */
  readonly layout: { readonly dimensions: readonly { readonly fields: readonly string[] }[] };
}

interface MeasuredField {
  readonly name: FieldName;
  readonly sketch: KHyperLogLog;
  readonly values: number;
}

/**
 * Looks for pairs of fields of at least 100 values each of which one holds at least half of the other's. Two fields of one
 * event are no pair: its records link them anyway.
 */
export function findJoins(measured: readonly Comparable[]): Joins {
  const fields: MeasuredField[] = measured.flatMap(({ app, event, layout, sketches }) =>
    sketches.flatMap((sketch, index) => {
      const [field, ...others] = layout.dimensions[index]?.fields ?? [];
      const values = sketch.cardinality();
      if (field === undefined || others.length > 0 || values < LEAST_VALUES) return [];
      return [{ name: { app: app.id, event, field }, sketch, values }];
    })
  );
  const joins: Join[] = [];
  let undecided = 0;
  for (const [index, one] of fields.entries()) {
    for (const other of fields.slice(index + 1)) {
      if (one.name.app === other.name.app && one.name.event === other.name.event) continue;
      const [first, second] = one.values <= other.values ? [one, other] : [other, one];
      const shared = overlap(first.sketch, second.sketch);
      const interval = containmentInterval(shared);
      if (containment(shared) < LEAST_CONTAINMENT) {
        if (interval.upper >= LEAST_CONTAINMENT) undecided++;
        continue;
      }
      joins.push({
        first: first.name,
        second: second.name,
        shared: Math.round(intersectionCardinality(shared)),
        compared: shared.both + shared.onlyFirst,
        containment: containment(shared),
        interval,
        jaccard: jaccard(shared),
      });
    }
  }
  return { joins: joins.sort((a, b) => b.containment - a.containment), undecided };
}

/** Below the hash up to which both sketches are complete, the first's values are a uniform sample of all of its own. */
function containmentInterval(shared: Overlap): Interval {
  const { both, onlyFirst, coverage } = shared;
  const share = containment(shared);
  return coverage === 1 ? { lower: share, upper: share } : wilsonInterval(both, both + onlyFirst, CONFIDENCE);
}
