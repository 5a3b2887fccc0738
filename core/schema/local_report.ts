/**
 * What a field under local differential privacy sends: not its value but a randomised report about the value's index in
 * its domain (core/privacy/dp/local_dp.ts).
 *
 * @module
 */
import { type LocalDp, localDp } from "../privacy/dp/local_dp.ts";
import { DEFAULT_MAX_VALUES } from "./fields/field_type.ts";
import { valueCount } from "./fields/table.ts";
import type { EventSchemas } from "./event.ts";
import type { FieldSchema } from "./fields/types.ts";

/** How a field's values are randomised; undefined when they are sent as they are. */
export function mechanismOf(field: FieldSchema): LocalDp | undefined {
  return field.localDp === undefined ? undefined : localDp(field.localDp.epsilon, valueCount(field));
}

/** About how many values of a field a device reports at most in a period of the pseudonym; 0 where it sends them. */
export function maxValuesOf(field: FieldSchema): number {
  if (field.localDp === undefined) return 0;
  return Math.min(field.localDp.maxValues ?? DEFAULT_MAX_VALUES, valueCount(field));
}

/** What all reports about one field in one period of the pseudonym come to. */
export interface LocalLoss {
  /** `event.field`. */
  readonly field: string;
  /** The privacy loss of one report. */
  readonly epsilon: number;
  /** About how many values a device reports at most. */
  readonly values: number;
  /** Both together. */
  readonly loss: number;
}

/** The losses of every field under local differential privacy. They add up: each field's reports are drawn apart. */
export function localLosses(events: EventSchemas): LocalLoss[] {
  return Object.entries(events).flatMap(([event, { fields }]) =>
    Object.entries(fields).flatMap(([name, field]) => {
      if (field.localDp === undefined) return [];
      const { epsilon } = field.localDp;
      const values = maxValuesOf(field);
      return [{ field: `${event}.${name}`, epsilon, values, loss: epsilon * values }];
    })
  );
}
