/**
 * How a logged event becomes what goes out: checked as soon as it is known what is collected, encoded and its reports
 * drawn when it is bound to a pseudonym.
 *
 * @module
 */
import { floorTo, formatInstant, MAX_AHEAD_SECONDS } from "../../core/base/time.ts";
import type { WireValue } from "../../core/schema/fields/field_type.ts";
import { encodeLogged, isValue } from "../../core/schema/fields/table.ts";
import type { Clock } from "../base/clock.ts";
import type { EventFault } from "../base/codes.ts";
import type { CollectedField, Collection } from "../base/collection.ts";
import type { LocalDpReporter } from "../base/types.ts";
import type { EncodedEvent, EventRecord } from "../storage/records.ts";
import type { Reports } from "./reports.ts";

/** What encoding takes of its client. */
export interface EncoderParts {
  readonly clock: Clock;
  /** Randomises fields under local differential privacy; without it no event that has one can be sent. */
  readonly localDp: LocalDpReporter | undefined;
}

/** An event as it goes out, or why it does not. */
export type Encoding<Fault = EventFault> =
  | { readonly ok: true; readonly event: EncodedEvent }
  | { readonly ok: false; readonly fault: Fault; readonly field?: string };

/** Encodes the events of one client. */
export class Encoder {
  readonly #parts: EncoderParts;

  /** Nothing is encoded yet. */
  constructor(parts: EncoderParts) {
    this.#parts = parts;
  }

  /**
   * Turns a logged event into what goes out: buckets measurements, floors the device's time, leaves suppressed fields out,
   * and checks it as the service will. The values of one that is encoded already are not touched again: those that an
   * older schema made otherwise do not leave. Those that will be randomised stay as they were logged: until it is bound,
   * nobody knows under which pseudonym they go. `held`: what is published of the event makes no sense, or is not declared.
   * It waits until that has changed.
   */
  encode(collection: Collection, event: EventRecord): Encoding<EventFault | "held" | "report_withheld"> {
    const { name, encoded, left } = event;
    const collected = collection.events.get(name);
    if (collected === undefined) return { ok: false, fault: "event_unknown" };
    if (collected.fault !== undefined) return { ok: false, fault: "held" };
    if (!collected.open) return { ok: false, fault: "collection_stopped" };
    const fields: Record<string, WireValue> = {};
    const logged: Record<string, unknown> = {};
    for (const [fieldName, value] of Object.entries({ ...event.fields, ...event.logged })) {
      const field = collected.fields.get(fieldName);
      if (field === undefined) return { ok: false, fault: "field_unknown", field: fieldName };
      if (field.suppressed || value === undefined) continue;
      if (field.missing) return { ok: false, fault: "held" };
      const isReported = field["local-dp"] !== undefined;
      // It was logged to be randomised and the field is not any more, or what is left of it cannot be randomised.
      const isOther = Object.hasOwn(event.logged ?? {}, fieldName) ? !isReported : encoded && isReported;
      if (isOther) return { ok: false, fault: "report_withheld", field: fieldName };
      const sent = this.#encodeValue(field, value, encoded && !isReported);
      const isMute = isReported && this.#parts.localDp === undefined;
      if (sent === undefined || isMute) return { ok: false, fault: "field_invalid", field: fieldName };
      if (isReported) logged[fieldName] = value;
      else fields[fieldName] = sent;
    }
    for (const [fieldName, field] of collected.fields) {
      const isThere = Object.hasOwn(fields, fieldName) || Object.hasOwn(logged, fieldName);
      if (!isThere && !field.optional && !field.suppressed) {
        return { ok: false, fault: "field_missing", field: fieldName };
      }
    }
    const at = floorTo(event.at, collection.granularitySeconds);
    return { ok: true, event: { name, at, fields, logged, encoded: true, left } };
  }

  /**
   * What waits of a logged event: all as the app gave it, with what is to be randomised set apart for good. It is encoded
   * when it is bound, by what is collected then: traces of a schema that was shown before would tell under one pseudonym
   * what was shown under another.
   */
  keep(collection: Collection, event: EventRecord): EventRecord {
    const fields: Record<string, unknown> = {};
    const logged: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(event.fields)) {
      const mechanism = collection.events.get(event.name)?.fields.get(name)?.["local-dp"];
      (mechanism === undefined ? fields : logged)[name] = value;
    }
    return { ...event, fields, logged };
  }

  /**
   * Puts the reports of a period into an event that was encoded with this collection. An optional field about which
   * nothing more is reported is left out, and so is the time unless it lies in the pseudonym's period and the service
   * agrees with the device's clock: the service then puts that of the arrival.
   */
  draw(
    collection: Collection,
    event: EncodedEvent,
    reports: Reports,
  ): Encoding<"field_invalid" | "report_withheld"> {
    const { clock, localDp } = this.#parts;
    const fields = { ...event.fields };
    for (const [name, logged] of Object.entries(event.logged)) {
      const field = collection.events.get(event.name)?.fields.get(name);
      const value = field && this.#encodeValue(field, logged);
      if (field === undefined || value === undefined || localDp === undefined) {
        return { ok: false, fault: "field_invalid", field: name };
      }
      let report: number | undefined;
      try {
        report = reports.draw({ event: event.name, name, field, value }, localDp);
      } catch {
        // A mechanism that makes no sense to this client.
        return { ok: false, fault: "field_invalid", field: name };
      }
      if (report !== undefined) fields[name] = report;
      else if (!field.optional) return { ok: false, fault: "report_withheld", field: name };
    }
    // When something began to wait before the pseudonym did would tell of the one before when it was last heard.
    const isDated = clock.agrees(collection.granularitySeconds) && event.at >= reports.begin &&
      event.at <= clock.now() / 1000 + MAX_AHEAD_SECONDS;
    return { ok: true, event: { ...event, fields, undated: !isDated } };
  }

  /** Undefined when the value is not in its field's domain, or the field makes no sense to this client. */
  #encodeValue(field: CollectedField, value: unknown, isEncoded = false): WireValue | undefined {
    try {
      const sent = isEncoded ? value : encodeLogged(field, value);
      return isValue(field, sent) ? sent : undefined;
    } catch {
      return undefined;
    }
  }
}

/** An event as a body carries it. */
export function wireEvent({ name, at, fields, undated }: EncodedEvent): Record<string, unknown> {
  return { name, at: undated ? undefined : formatInstant(at), fields };
}
