/**
 * Fields that are true or false.
 *
 * @module
 */
import type { FieldOptions, FieldType } from "./field_type.ts";

/** A field that is true or false. */
export interface BooleanField extends FieldOptions {
  /** The type's name. */
  readonly type: "boolean";
}

/** false, true. */
export const booleanType: FieldType<BooleanField> = {
  isSound: () => true,
  isWithin: () => true,
  count: () => 2,
  includes: (_field, value) => typeof value === "boolean",
  indexOf: (_field, value) => value === true ? 1 : 0,
  valueAt: (_field, index) => index === 1,
};
