/**
 * Fields that are one of a list of words.
 *
 * @module
 */
import { type FieldOptions, type FieldType, isWhole } from "./field_type.ts";

/** A field that is one of a list of words. */
export interface EnumField extends FieldOptions {
  /** The type's name. */
  readonly type: "enum";
  /** 1..256 distinct words of `[A-Za-z0-9._+-]`, at most 64 characters each. */
  readonly values: readonly string[];
}

/** The words in the order of their list. */
export const enumType: FieldType<EnumField> = {
  isSound: ({ values }) =>
    isWhole(values.length, 1, 256) && new Set(values).size === values.length &&
    values.every((value) => /^[\w.+-]{1,64}$/.test(value) && typeof value === "string"),
  isWithin: ({ values }, declared) => values.every((value) => declared.values.includes(value)),
  count: ({ values }) => values.length,
  includes: ({ values }, value) => typeof value === "string" && values.includes(value),
  indexOf: ({ values }, value) => values.indexOf(value as string),
  valueAt: ({ values }, index) => values[index] as string,
};
