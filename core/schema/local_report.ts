/**
 * What a field under local differential privacy sends: not its value but a randomised report about the value's index in
 * its domain (core/privacy/dp/local_dp.ts).
 *
 * @module
 */
import { type LocalDp, localDp } from "../privacy/dp/local_dp.ts";
import type { FieldSchema, VersionField } from "./schema.ts";

/** The largest part of a version. */
export const MAX_VERSION_PART = 999;

/** How many values a field can take. */
export function valueCount(field: FieldSchema): number {
  switch (field.type) {
    case "boolean":
      return 2;
    case "enum":
      return field.values.length;
    case "integer":
      return field.max - field.min + 1;
    case "bucket":
      return field.edges.length + 1;
    case "version": {
      const { least, greatest, minors } = versionDomain(field);
      return (greatest - least + 1) * (minors + 1);
    }
  }
}

/** The bounds of a version with their defaults filled in. */
export function versionDomain(field: VersionField): { least: number; greatest: number; minors: number } {
  const [least, greatest] = field.majors ?? [0, MAX_VERSION_PART];
  return { least, greatest, minors: field.minors ?? MAX_VERSION_PART };
}

/** The index of a value in its field's domain, 0..valueCount - 1. The value must lie in the domain. */
export function indexOfValue(field: FieldSchema, value: unknown): number {
  switch (field.type) {
    case "boolean":
      return value === true ? 1 : 0;
    case "enum":
      return field.values.indexOf(value as string);
    case "integer":
      return (value as number) - field.min;
    case "bucket":
      return value as number;
    case "version": {
      const { least, minors } = versionDomain(field);
      const [major, minor] = (value as string).split(".").map(Number) as [number, number];
      return (major - least) * (minors + 1) + minor;
    }
  }
}

/** The value with an index, 0..valueCount - 1, as it stands in a record. */
export function valueAtIndex(field: FieldSchema, index: number): boolean | number | string {
  switch (field.type) {
    case "boolean":
      return index === 1;
    case "enum":
      return field.values[index]!;
    case "integer":
      return field.min + index;
    case "bucket":
      return index;
    case "version": {
      const { least, minors } = versionDomain(field);
      return `${least + Math.floor(index / (minors + 1))}.${index % (minors + 1)}`;
    }
  }
}

/** How a field's values are randomised; undefined when they are sent as they are. */
export function mechanismOf(field: FieldSchema): LocalDp | undefined {
  return field.localDp === undefined ? undefined : localDp(field.localDp.epsilon, valueCount(field));
}
