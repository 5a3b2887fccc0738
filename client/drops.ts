/**
 * What was dropped, as a telemetry event of its own. It is sent only where the application's schema declares an event
 * `client_drops` with an enum `reason` (a reason that it does not list counts as `other`) and an integer or bucket
 * `events`.
 *
 * @module
 */
import { type Collection, encodeEvent } from "./collection.ts";
import type { EncodedEvent } from "./records.ts";

const NAME = "client_drops";

/** One event for every reason; none where the schema does not declare it as it should be. */
export function dropEvents(
  collection: Collection,
  drops: ReadonlyMap<string, number>,
  nowSeconds: number,
): EncodedEvent[] {
  const fields = collection.events.get(NAME)?.fields;
  const reasons = fields?.get("reason");
  const counts = fields?.get("events");
  return [...drops].flatMap(([reason, count]) => {
    const event = encodeEvent(collection, {
      name: NAME,
      at: nowSeconds,
      fields: {
        reason: reasons?.type === "enum" && reasons.values.includes(reason) ? reason : "other",
        events: counts?.type === "integer" ? Math.min(count, counts.max) : count,
      },
      encoded: false,
    });
    return typeof event === "string" ? [] : [event];
  });
}
