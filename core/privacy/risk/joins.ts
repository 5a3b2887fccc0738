/**
 * Which fields of which events link records by their values: pairs that share so many values that a person's record of
 * one finds their record of the other (Chia et al., IEEE S&P 2019, section V). All sketches of a deployment are hashed
 * in one comparison domain, so that this can be asked across applications, whose pseudonyms differ.
 *
 * @module
 */
import type { KHyperLogLog } from "../sketch/khll.ts";
import { containment, intersectionCardinality, jaccard, overlap } from "../sketch/khll_overlap.ts";
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
  /** The share of the first's values that the second has too. */
  readonly containment: number;
  /** The share of the values of either that both have. */
  readonly jaccard: number;
}

/** From this share on values are as good as a name that both sides know. */
const LEAST_CONTAINMENT = 0.5;
/** Fields of fewer values contain one another by chance, and link nobody. */
const LEAST_VALUES = 100;

interface MeasuredField {
  readonly name: FieldName;
  readonly sketch: KHyperLogLog;
  readonly values: number;
}

/**
 * The pairs of fields of at least 100 values each of which one holds at least half of the other's, the fullest first.
 * Two fields of one event are no pair: its records link them anyway.
 */
export function findJoins(measured: readonly JudgedEvent[]): Join[] {
  const fields: MeasuredField[] = measured.flatMap(({ app, event, layout, sketches }) =>
    sketches.flatMap((sketch, index) => {
      const [field, ...others] = layout.dimensions[index]?.fields ?? [];
      const values = sketch.cardinality();
      if (field === undefined || others.length > 0 || values < LEAST_VALUES) return [];
      return [{ name: { app: app.id, event, field }, sketch, values }];
    })
  );
  const joins: Join[] = [];
  for (const [index, one] of fields.entries()) {
    for (const other of fields.slice(index + 1)) {
      if (one.name.app === other.name.app && one.name.event === other.name.event) continue;
      const [first, second] = one.values <= other.values ? [one, other] : [other, one];
      const shared = overlap(first.sketch, second.sketch);
      if (containment(shared) < LEAST_CONTAINMENT) continue;
      joins.push({
        first: first.name,
        second: second.name,
        shared: Math.round(intersectionCardinality(shared)),
        containment: containment(shared),
        jaccard: jaccard(shared),
      });
    }
  }
  return joins.sort((a, b) => b.containment - a.containment);
}
