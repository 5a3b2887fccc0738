/**
 * Fields that are whole numbers.
 *
 * @module
 */
import { type FieldOptions, type FieldType, isWhole } from "./field_type.ts";

/** A whole number in a declared range of at most 2^16 values. */
export interface IntegerField extends FieldOptions {
  /** The type's name. */
  readonly type: "integer";
  /** The least value. */
  readonly min: number;
  /** The greatest value. */
  readonly max: number;
}

/** The numbers from min to max. */
export const integerType: FieldType<IntegerField> = {
  isSound: ({ min, max }) => Number.isSafeInteger(min) && isWhole(max, min, min + 0xffff),
  isWithin: ({ min, max }, declared) => min >= declared.min && max <= declared.max,
  count: ({ min, max }) => max - min + 1,
  includes: ({ min, max }, value) => isWhole(value, min, max),
  indexOf: ({ min }, value) => value as number - min,
  valueAt: ({ min }, index) => min + index,
};
