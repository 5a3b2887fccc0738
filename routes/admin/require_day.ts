/**
 * Days in paths.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";
import { parseDay } from "../../core/base/time.ts";

/**
 * Reads a day.
 * @returns Days since 1970.
 * @throws {Refusal} `route_unknown`.
 */
export function requireDay(text: string): number {
  const day = parseDay(text);
  if (day === undefined) throw new Refusal("route_unknown", "The day is not written YYYY-MM-DD.");
  return day;
}
