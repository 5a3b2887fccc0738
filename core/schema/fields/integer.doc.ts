/**
 * What fields that are whole numbers say of themselves.
 *
 * @module
 */
import { z } from "zod";
import type { FieldDoc, Written } from "./field_doc.ts";
import type { IntegerField } from "./integer.ts";

/** Most values of a field. */
const MAX_VALUES = 2 ** 16;

const words = ({ min, max }: IntegerField) => `a whole number from ${min} to ${max}`;
const shape = { min: z.int(), max: z.int() };

/** How many values lie in the range; undefined where it is none. */
function valuesOf(written: Written): number | undefined {
  const { data } = z.object(shape).safeParse(written);
  return data === undefined || data.min > data.max ? undefined : data.max - data.min + 1;
}

/** See {@linkcode IntegerField}. */
export const integerDoc: FieldDoc<IntegerField> = {
  words,
  operatorWords: words,
  typescript: () => "number",
  shape,
  rules: [
    {
      sentence: "write whole numbers min and max, min not above max",
      isMet: (written) => valuesOf(written) !== undefined,
    },
    {
      sentence: `narrow min..max to at most ${MAX_VALUES} values, or use a bucket`,
      isMet: (written) => (valuesOf(written) ?? 0) <= MAX_VALUES,
    },
  ],
  attribute: "int",
};
