import { MAX_EVENTS_BYTES } from "./body.ts";

/** Most characters of a text value: no word of a schema is longer. */
const MAX_TEXT = 64;

/** Most fields of an event: more do not fit a body. */
const MAX_FIELDS = 2_048;

/**
 * A copy of an event's fields, or undefined unless all can be stored as they are: nothing but flags, numbers and short
 * texts, and no more of them than one body holds. Whatever the app gives, nothing is thrown.
 */
export function plainFields(name: unknown, fields: unknown): Record<string, unknown> | undefined {
  try {
    // Once, since reading may run the app's code.
    if (typeof fields !== "object" || fields === null) return undefined;
    const names = Object.keys(fields);
    // Bounded, since this runs in the app's own time.
    if (names.length > MAX_FIELDS) return undefined;
    const copy: Record<string, unknown> = Object.fromEntries(
      names.map((name) => [name, (fields as Record<string, unknown>)[name]]),
    );
    const isPlain = Object.values(copy).every((value) =>
      value === undefined || typeof value === "boolean" || Number.isFinite(value) ||
      (typeof value === "string" && value.length <= MAX_TEXT)
    );
    if (isPlain && typeof name === "string" && JSON.stringify([name, copy]).length <= MAX_EVENTS_BYTES) {
      return copy;
    }
  } catch {
    // A getter of the app's own.
  }
  return undefined;
}
