/**
 * What fields of versions say of themselves.
 *
 * @module
 */
import { z } from "zod";
import type { FieldDoc } from "./field_doc.ts";
import { MAX_VERSION_PART, type VersionField } from "./version.ts";

const part = z.int().min(0).max(MAX_VERSION_PART);
const majors = z.array(part).length(2).optional();
const minors = part.optional();

/** See {@linkcode VersionField}. */
export const versionDoc: FieldDoc<VersionField> = {
  words: () => "a version, major and minor",
  operatorWords: () => "a version, major.minor",
  typescript: () => "`${number}.${number}`",
  shape: { majors, minors },
  rules: [
    {
      member: "majors",
      sentence: `write the least and the greatest major part, each 0 to ${MAX_VERSION_PART}`,
      isMet(written) {
        const { success, data: [least = 0, greatest = MAX_VERSION_PART] = [] } = majors.safeParse(
          written.majors,
        );
        return success && least <= greatest;
      },
    },
    {
      member: "minors",
      sentence: `write the greatest minor part, 0 to ${MAX_VERSION_PART}`,
      isMet: (written) => minors.safeParse(written.minors).success,
    },
  ],
  attribute: "string",
};
