/**
 * How a logged event becomes what goes out.
 *
 * @module
 */
import type { WireValue } from "../../core/schema/fields/field_type.ts";
import { floorTo, formatInstant } from "../../core/base/time.ts";
import { encodeLogged, isValue } from "../../core/schema/fields/table.ts";
import type { CollectedField, Collection } from "../base/collection.ts";
import type { Context } from "../base/context.ts";
import { currentPseudonym, deviceRandom } from "../tokens/identity.ts";
import type { EncodedEvent, EventRecord } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";

/** Why a logged event does not go out. The codes are those of a rejected event (docs/protocol.md, section 6). */
export type EncodeFault =
  | "event_unknown"
  | "collection_stopped"
  | "field_unknown"
  | "field_missing"
  | "field_invalid";

/**
 * Turns a logged event into what goes out: buckets measurements, randomises values, corrects and floors the time, leaves
 * suppressed fields out, and checks it as the service will. The values of one that is encoded already are not touched again.
 */
export function encodeEvent(
  context: Context,
  entries: Entries,
  collection: Collection,
  event: EventRecord,
): EncodedEvent | EncodeFault {
  const { name, encoded } = event;
  const collected = collection.events.get(name);
  if (collected === undefined) return "event_unknown";
  if (!collected.open) return "collection_stopped";
  const fields: Record<string, WireValue> = {};
  for (const [fieldName, value] of Object.entries(event.fields)) {
    const field = collected.fields.get(fieldName);
    if (field === undefined) return "field_unknown";
    if (field.suppressed || value === undefined) continue;
    try {
      const random = () =>
        // The same for a value and a pseudonym's period: the noise of many reports about one would average out.
        deviceRandom(
          context,
          entries,
          [
            "local dp",
            currentPseudonym(context, entries, collection),
            name,
            fieldName,
            value,
          ].join("\0"),
        );
      const sent = encoded ? value as WireValue : encodeValue(context, field, value, random);
      if (sent === undefined) return "field_invalid";
      fields[fieldName] = sent;
    } catch {
      return "field_invalid";
    }
  }
  for (const [fieldName, field] of collected.fields) {
    if (!field.optional && !field.suppressed && !Object.hasOwn(fields, fieldName)) return "field_missing";
  }
  // The device's clock may have been years off when the event was logged, and is corrected since.
  const at = event.at + (encoded ? 0 : context.clock.offset / 1000);
  return { name, at: floorTo(at, collection.granularitySeconds), fields, encoded: true };
}

/** Undefined when the value is not in its field's domain; throws when the field makes no sense. */
function encodeValue(
  { localDp }: Context,
  field: CollectedField,
  value: unknown,
  random: () => ReturnType<typeof deviceRandom>,
): WireValue | undefined {
  const sent = encodeLogged(field, value);
  if (!isValue(field, sent)) return undefined;
  const mechanism = field["local-dp"];
  return mechanism === undefined ? sent : localDp!({ ...field, localDp: mechanism }, sent, random());
}

/** An event as a body carries it. */
export function wireEvent({ name, at, fields }: EncodedEvent): Record<string, unknown> {
  return { name, at: formatInstant(at), fields };
}
