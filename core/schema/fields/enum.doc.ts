/**
 * What fields that are one of a list of words say of themselves.
 *
 * @module
 */
import { z } from "zod";
import type { EnumField } from "./enum.ts";
import type { FieldDoc } from "./field_doc.ts";

const words = ({ values }: EnumField) => `one of ${values.join(", ")}`;
const values = z.array(z.string().regex(/^[A-Za-z0-9._+-]{1,64}$/)).min(1).max(256);

/** See {@linkcode EnumField}. */
export const enumDoc: FieldDoc<EnumField> = {
  words,
  operatorWords: words,
  typescript: ({ values }) => values.map((value) => JSON.stringify(value)).join(" | "),
  shape: { values },
  rules: [{
    member: "values",
    sentence: 'list 1 to 256 different words of letters, digits and "._+-", 64 at most each',
    isMet(written) {
      const { data } = values.safeParse(written.values);
      return data !== undefined && new Set(data).size === data.length;
    },
  }],
  attribute: "string",
};
