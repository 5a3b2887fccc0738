/**
 * The types of fields, and what an app passes for each. The rows of `table.ts` say what they do.
 *
 * @module
 */
import type { BooleanField } from "./boolean.ts";
import type { BucketField } from "./bucket.ts";
import type { EnumField } from "./enum.ts";
import type { IntegerField } from "./integer.ts";
import type { VersionField } from "./version.ts";

export type { BooleanField, BucketField, EnumField, IntegerField, VersionField };
export type { FieldOptions } from "./field_type.ts";

/** The definition of one field. */
export type FieldSchema = BooleanField | EnumField | IntegerField | BucketField | VersionField;

/** What an app passes for one field. */
export type ValueOf<F extends FieldSchema> = F extends { type: "boolean" } ? boolean
  : F extends { type: "enum"; values: readonly (infer V)[] } ? V
  : F extends { type: "integer" | "bucket" } ? number
  : F extends { type: "version" } ? `${number}.${number}`
  : never;
