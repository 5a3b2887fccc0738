/**
 * How a logged event becomes what goes out.
 *
 * @module
 */
import { floorTo, formatInstant } from "../../core/base/time.ts";
import type { WireValue } from "../../core/schema/fields/field_type.ts";
import { encodeLogged, isValue } from "../../core/schema/fields/table.ts";
import type { Clock } from "../base/clock.ts";
import type { EventFault } from "../base/codes.ts";
import type { CollectedField, Collection } from "../base/collection.ts";
import type { LocalDpReporter } from "../base/types.ts";
import type { EncodedEvent, EventRecord } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { Device } from "../tokens/device.ts";

/** What encoding takes of its client. */
export interface EncoderParts {
  readonly clock: Clock;
  readonly device: Device;
  /** Randomises fields under local differential privacy; without it no event that has one can be sent. */
  readonly localDp: LocalDpReporter | undefined;
}

/** An event as it goes out, or why it does not. */
export type Encoding<Fault = EventFault> =
  | { readonly ok: true; readonly event: EncodedEvent }
  | { readonly ok: false; readonly fault: Fault };

/** Encodes the events of one client, inside its transactions. */
export class Encoder {
  readonly #parts: EncoderParts;

  /** Nothing is encoded yet. */
  constructor(parts: EncoderParts) {
    this.#parts = parts;
  }

  /**
   * Turns a logged event into what goes out: buckets measurements, randomises values, corrects and floors the time,
   * leaves suppressed fields out, and checks it as the service will. The values of one that is encoded already are not
   * touched again.
   */
  encode(entries: Entries, collection: Collection, event: EventRecord): Encoding {
    const { name, encoded } = event;
    const collected = collection.events.get(name);
    if (collected === undefined) return { ok: false, fault: "event_unknown" };
    if (!collected.open) return { ok: false, fault: "collection_stopped" };
    const fields: Record<string, WireValue> = {};
    for (const [fieldName, value] of Object.entries(event.fields)) {
      const field = collected.fields.get(fieldName);
      if (field === undefined) return { ok: false, fault: "field_unknown" };
      if (field.suppressed || value === undefined) continue;
      // The same for a value and a pseudonym's period: the noise of many reports about one would average out.
      const purpose = () => {
        const pseudonym = this.#parts.device.pseudonym(entries, collection);
        return ["local dp", pseudonym, name, fieldName, value].join("\0");
      };
      const sent = encoded ? value as WireValue : this.#encodeValue(entries, { field, value, purpose });
      if (sent === undefined) return { ok: false, fault: "field_invalid" };
      fields[fieldName] = sent;
    }
    for (const [fieldName, field] of collected.fields) {
      const isNeeded = !field.optional && !field.suppressed;
      if (isNeeded && !Object.hasOwn(fields, fieldName)) return { ok: false, fault: "field_missing" };
    }
    // The device's clock may have been years off when the event was logged, and is corrected since.
    const at = event.at + (encoded ? 0 : this.#parts.clock.offset / 1000);
    return {
      ok: true,
      event: { name, at: floorTo(at, collection.granularitySeconds), fields, encoded: true },
    };
  }

  /** Undefined when the value is not in its field's domain, or the field makes no sense to this client. */
  #encodeValue(
    entries: Entries,
    { field, value, purpose }: { field: CollectedField; value: unknown; purpose: () => string },
  ): WireValue | undefined {
    const { device, localDp } = this.#parts;
    try {
      const sent = encodeLogged(field, value);
      if (!isValue(field, sent)) return undefined;
      const mechanism = field["local-dp"];
      if (mechanism === undefined) return sent;
      return localDp?.({ ...field, localDp: mechanism }, sent, device.random(entries, purpose()));
    } catch {
      return undefined;
    }
  }
}

/** An event as a body carries it. */
export function wireEvent({ name, at, fields }: EncodedEvent): Record<string, unknown> {
  return { name, at: formatInstant(at), fields };
}
