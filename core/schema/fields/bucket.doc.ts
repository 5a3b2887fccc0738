/**
 * What fields of measurements say of themselves.
 *
 * @module
 */
import { z } from "zod";
import type { BucketField } from "./bucket.ts";
import type { FieldDoc } from "./field_doc.ts";

const edges = z.array(z.number()).min(1).max(64);

/** Whether each number is greater than the one before it. */
function areRising(numbers: readonly number[]): boolean {
  let last = -Infinity;
  return numbers.every((number) => {
    const isGreater = number > last;
    last = number;
    return isGreater;
  });
}

/** See {@linkcode BucketField}. */
export const bucketDoc: FieldDoc<BucketField> = {
  words: ({ edges }) => `which of these ranges it falls into: below ${edges.join(", ")}, or above`,
  operatorWords: ({ edges: [first, ...others] }) =>
    `a range: below ${first}, then up to ${others.join(", ") || "any"} and more`,
  typescript: () => "number",
  shape: { edges },
  rules: [{
    member: "edges",
    sentence: "list 1 to 64 rising numbers",
    isMet(written) {
      const { data } = edges.safeParse(written.edges);
      return data !== undefined && areRising(data);
    },
  }],
  // Of the bucket's index: the measurement itself never leaves the device.
  attribute: "int",
};
