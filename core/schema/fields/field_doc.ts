/**
 * What a type of field says of itself to people, compilers and other programs. Clients carry none of it.
 *
 * @module
 */
import type { z } from "zod";

/** A field's definition as somebody wrote it, its members by name, not checked yet. */
export type Written = Readonly<Record<string, unknown>>;

/** A rule that the members of a definition have to meet. */
export interface FieldRule {
  /** The member that the sentence is about; absent: the whole definition. */
  readonly member?: string;
  /** What to do where it is not met, without the full stop. */
  readonly sentence: string;
  /** Whether a definition meets it. One that another rule has refused may pass. */
  isMet(written: Written): boolean;
}

/** The words, the types and the shapes of the fields of one type `F`. */
export interface FieldDoc<F> {
  /** The domain, for the people whose devices send its values. */
  words(field: F): string;
  /** The domain, for the people who operate the service. */
  operatorWords(field: F): string;
  /** The TypeScript type of what an app passes. */
  typescript(field: F): string;
  /** The members of a definition besides those of every field, as the schema document has them. */
  readonly shape: z.core.$ZodShape;
  /** What a definition has to meet. */
  readonly rules: readonly FieldRule[];
  /** The type of an attribute that carries its values in OpenTelemetry (common attribute types of its specification). */
  readonly attribute: "boolean" | "string" | "int" | "double";
}
