/**
 * Fields of versions.
 *
 * @module
 */
import { type FieldOptions, type FieldType, isWhole } from "./field_type.ts";

/** The largest part of a version. */
export const MAX_VERSION_PART = 999;

/** A version "major.minor", without leading zeros. */
export interface VersionField extends FieldOptions {
  /** The type's name. */
  readonly type: "version";
  /** The least and the greatest major part; 0 and 999 by default. */
  readonly majors?: readonly [least: number, greatest: number];
  /** The greatest minor part; 999 by default. */
  readonly minors?: number;
}

const VERSION = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** The bounds of a version with their defaults filled in. */
function bounds(
  { majors: [least, greatest] = [0, MAX_VERSION_PART], minors = MAX_VERSION_PART }: VersionField,
) {
  return { least, greatest, minors };
}

/** Major and minor part; NaN where a value is no version. */
function parts(value: unknown): [major: number, minor: number] {
  const [, major, minor] = VERSION.exec(value as string) ?? [];
  return [Number(major), Number(minor)];
}

/** The versions of the least major part, then those of the next. */
export const versionType: FieldType<VersionField> = {
  isSound(field) {
    const { least, greatest, minors } = bounds(field);
    return isWhole(least, 0, MAX_VERSION_PART) && isWhole(greatest, least, MAX_VERSION_PART) &&
      isWhole(minors, 0, MAX_VERSION_PART);
  },
  isWithin(field, declared) {
    const [own, most] = [bounds(field), bounds(declared)];
    return own.least >= most.least && own.greatest <= most.greatest && own.minors <= most.minors;
  },
  count(field) {
    const { least, greatest, minors } = bounds(field);
    return (greatest - least + 1) * (minors + 1);
  },
  includes(field, value) {
    const { least, greatest, minors } = bounds(field);
    const [major, minor] = parts(value);
    return typeof value === "string" && major >= least && major <= greatest && minor <= minors;
  },
  indexOf(field, value) {
    const { least, minors } = bounds(field);
    const [major, minor] = parts(value);
    return (major - least) * (minors + 1) + minor;
  },
  valueAt(field, index) {
    const { least, minors } = bounds(field);
    return `${least + Math.floor(index / (minors + 1))}.${index % (minors + 1)}`;
  },
};
