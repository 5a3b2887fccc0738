import { AssertionError } from "@std/assert";

/** A value that has to be there: the test fails where it is not. */
export function present<T>(value: T): NonNullable<T> {
  if (value === undefined || value === null) throw new AssertionError("What has to be there is missing");
  return value;
}
