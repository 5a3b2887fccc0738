/**
 * What the types of fields say of themselves, by name: one row a type, as in `table.ts`.
 *
 * @module
 */
import { booleanDoc } from "./boolean.doc.ts";
import { bucketDoc } from "./bucket.doc.ts";
import { enumDoc } from "./enum.doc.ts";
import type { FieldDoc } from "./field_doc.ts";
import { integerDoc } from "./integer.doc.ts";
import type { FieldSchema } from "./types.ts";
import { versionDoc } from "./version.doc.ts";

const DOCS: {
  readonly [T in FieldSchema["type"]]: FieldDoc<Extract<FieldSchema, { readonly type: T }>>;
} = {
  boolean: booleanDoc,
  enum: enumDoc,
  integer: integerDoc,
  bucket: bucketDoc,
  version: versionDoc,
};

/** What the types say of themselves, by their names in the order in which people are offered them. */
export const FIELD_DOCS: ReadonlyMap<string, FieldDoc<FieldSchema>> = new Map(Object.entries(DOCS));

/** What a field's type says of itself. */
export function docOf({ type }: FieldSchema): FieldDoc<FieldSchema> {
  return DOCS[type];
}
