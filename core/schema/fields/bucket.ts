/**
 * Fields of measurements, of which only the bucket leaves the client.
 *
 * @module
 */
import { type FieldOptions, type FieldType, isWhole } from "./field_type.ts";

/** A measurement that leaves the client only as the index of its bucket, 0 (below the first edge) .. edges.length. */
export interface BucketField extends FieldOptions {
  /** The type's name. */
  readonly type: "bucket";
  /** 1..64 rising edges; a value equal to an edge belongs above it. */
  readonly edges: readonly number[];
}

/** The buckets' indexes. */
export const bucketType: FieldType<BucketField> = {
  isSound: ({ edges }) =>
    isWhole(edges.length, 1, 64) &&
    edges.every((edge, index) => Number.isFinite(edge) && edge > (edges[index - 1] ?? -Infinity)),
  isWithin: ({ edges }, declared) => edges.every((edge) => declared.edges.includes(edge)),
  count: ({ edges }) => edges.length + 1,
  includes: ({ edges }, value) => isWhole(value, 0, edges.length),
  indexOf: (_field, value) => value as number,
  valueAt: (_field, index) => index,
  encode: ({ edges }, logged) => typeof logged === "number" ? bucketOf(edges, logged) : logged,
};

/**
 * The index of the bucket that a measurement falls into: the number of edges at or below it.
 * @throws {RangeError} If the measurement is NaN, which would otherwise pass for the smallest one.
 */
export function bucketOf(edges: readonly number[], measurement: number): number {
  if (Number.isNaN(measurement)) {
    throw new RangeError("Cannot choose a bucket: the measurement is not a number");
  }
  const index = edges.findIndex((edge) => measurement < edge);
  return index < 0 ? edges.length : index;
}
