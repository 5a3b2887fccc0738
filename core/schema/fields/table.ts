/**
 * The types of fields by name: one row a type. Nobody else tells them apart.
 *
 * @module
 */
import { booleanType } from "./boolean.ts";
import { bucketType } from "./bucket.ts";
import { enumType } from "./enum.ts";
import type { FieldType, WireValue } from "./field_type.ts";
import { integerType } from "./integer.ts";
import type { FieldSchema } from "./types.ts";
import { versionType } from "./version.ts";

const FIELD_TYPES: {
  readonly [T in FieldSchema["type"]]: FieldType<Extract<FieldSchema, { readonly type: T }>>;
} = {
  boolean: booleanType,
  enum: enumType,
  integer: integerType,
  bucket: bucketType,
  version: versionType,
};

function typeOf({ type }: FieldSchema): FieldType<FieldSchema> {
  return FIELD_TYPES[type];
}

/**
 * Whether a definition that anybody may have written is one of a field. Of a version there are a million, of everything
 * else at most 2^16 values.
 */
export function isField(written: unknown): written is FieldSchema {
  try {
    const field = written as FieldSchema;
    return typeof field.type === "string" && Object.hasOwn(FIELD_TYPES, field.type) &&
      typeOf(field).isSound(field);
  } catch {
    // A member that is not of the kind that it should be.
    return false;
  }
}

/** Whether a field is of the type of a declared one and tells nothing finer. */
export function isWithin(field: FieldSchema, declared: FieldSchema): boolean {
  return field.type === declared.type && typeOf(field).isWithin(field, declared);
}

/** How many values a field can take. */
export function valueCount(field: FieldSchema): number {
  return typeOf(field).count(field);
}

/** Whether a value lies in its field's domain, before any randomisation. */
export function isValue(field: FieldSchema, value: unknown): value is WireValue {
  return typeOf(field).includes(field, value);
}

/** The index of a value in its field's domain, 0..valueCount - 1. The value must lie in the domain. */
export function indexOfValue(field: FieldSchema, value: unknown): number {
  return typeOf(field).indexOf(field, value);
}

/** The value with an index, 0..valueCount - 1, as it stands in a record. */
export function valueAtIndex(field: FieldSchema, index: number): WireValue {
  return typeOf(field).valueAt(field, index);
}

/**
 * What goes out for what an app logged: of a measurement, its bucket. It may lie outside the field's domain.
 * @throws {RangeError} If nothing can go out for it.
 */
export function encodeLogged(field: FieldSchema, logged: unknown): unknown {
  const type = typeOf(field);
  return type.encode === undefined ? logged : type.encode(field, logged);
}
