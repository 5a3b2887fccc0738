/**
 * What a type of field has to say of itself; `table.ts` has one row for each type. No type holds free text, so every
 * field has a known domain (docs/protocol.md, section 10).
 *
 * @module
 */

/** Values of a field that a device reports about in a period, unless the field says another number. */
export const DEFAULT_MAX_VALUES = 4;
/** The greatest number of them that a field may say. */
export const GREATEST_MAX_VALUES = 16;

/** What every field may say besides its type. */
export interface FieldOptions {
  /** One sentence for the people whose devices send it. */
  readonly description?: string;
  /** Whether an event is valid without this field. */
  readonly optional?: boolean;
  /** Randomise the value on the device before it is sent (local differential privacy). */
  readonly localDp?: {
    /** The privacy loss of one report, above 0. */
    readonly epsilon: number;
    /** About how many values a device reports at most in a period of the pseudonym, 1..16; 4 by default. */
    readonly maxValues?: number;
  };
}

/** A field's value on the wire and in a record. */
export type WireValue = boolean | number | string;

/** The domain of the fields of one type `F`: how many values it has, which these are, and in which order. */
export interface FieldType<F> {
  /** Whether a definition makes sense, whoever wrote it: what it says may be of any kind. May throw where it does not. */
  isSound(field: F): boolean;
  /** Whether a field tells nothing finer than a declared one: its values or edges are among those, its range lies in that. */
  isWithin(field: F, declared: F): boolean;
  /** How many values a field can take. */
  count(field: F): number;
  /** Whether a value lies in a field's domain. */
  includes(field: F, value: unknown): boolean;
  /** The index of a value of the domain, 0..count - 1. */
  indexOf(field: F, value: unknown): number;
  /** The value with an index, 0..count - 1. */
  valueAt(field: F, index: number): WireValue;
  /** What goes out for what an app logged, where that is not the value itself. Throws where nothing does. */
  encode?(field: F, logged: unknown): unknown;
}

/** Whether a value is an integer from `min` to `max`. */
export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && value as number >= min && value as number <= max;
}
