/**
 * What was dropped, as a telemetry event of its own. It is sent only where the application's schema declares an event
 * `client_drops` with an enum `reason` (a reason that it does not list counts as `other`) and an integer or bucket
 * `events`.
 *
 * @module
 */
import type { DropReason } from "../base/codes.ts";
import type { Collection } from "../base/collection.ts";
import type { EventRecord } from "../storage/records.ts";

/** The event's name. */
const NAME = "client_drops";

/** One event for every reason, for the pseudonym of now alone; none where the schema does not declare it so. */
export function dropEvents(
  { events }: Collection,
  drops: Iterable<readonly [reason: DropReason, events: number]>,
  { at, pseudonym }: { readonly at: number; readonly pseudonym: string },
): EventRecord[] {
  const fields = events.get(NAME)?.fields;
  const reasons = fields?.get("reason");
  const counts = fields?.get("events");
  if (reasons?.type !== "enum") return [];
  return [...drops].map(([reason, count]) => ({
    name: NAME,
    at,
    fields: {
      reason: reasons.values.includes(reason) ? reason : "other",
      events: counts?.type === "integer" ? Math.min(count, counts.max) : count,
    },
    encoded: false,
    // What a service has refused under one pseudonym is not told under the next.
    left: { pseudonym, tokens: [], code: "period_over" },
  }));
}
