/**
 * What fields that are true or false say of themselves.
 *
 * @module
 */
import type { BooleanField } from "./boolean.ts";
import type { FieldDoc } from "./field_doc.ts";

/** See {@linkcode BooleanField}. */
export const booleanDoc: FieldDoc<BooleanField> = {
  words: () => "yes or no",
  operatorWords: () => "true or false",
  typescript: () => "boolean",
  shape: {},
  rules: [],
  attribute: "boolean",
};
