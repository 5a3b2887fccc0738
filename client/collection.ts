/**
 * What an application collects, as the client reads it from the public schema (docs/protocol.md, section 10), and how a
 * logged event becomes what goes out.
 *
 * @module
 */
import { DecodeError } from "../core/bytes.ts";
import type { FieldSchema, WireValue } from "../core/telemetry/schema.ts";
import { floorTo, formatInstant } from "../core/telemetry/time.ts";
import { bucketOf, isInDomain } from "../core/telemetry/validate.ts";
import type { EncodedEvent, EventRecord } from "./records.ts";

/** Seconds to which times are floored unless the schema says another granularity. */
export const DEFAULT_GRANULARITY_SECONDS = 3_600;

/** A field as the schema publishes it. */
export type CollectedField = FieldSchema & {
  /** Clients leave it out. */
  readonly suppressed?: boolean;
};

/** An event as the schema publishes it. */
export interface CollectedEvent {
  /** Whether it is collected now. */
  readonly open: boolean;
  /** The share of clients that should send it. */
  readonly sample: number;
  /** Its fields by name. */
  readonly fields: ReadonlyMap<string, CollectedField>;
}

/** What an application collects. */
export interface Collection {
  /** Rotation of the pseudonym in seconds; undefined: none is collected. */
  readonly pseudonymSeconds: number | undefined;
  /** Seconds to which times are floored. */
  readonly granularitySeconds: number;
  /** The events by name. */
  readonly events: ReadonlyMap<string, CollectedEvent>;
}

interface SchemaDocument {
  readonly app?: unknown;
  readonly "pseudonym-seconds"?: unknown;
  readonly "granularity-seconds"?: unknown;
  readonly events: readonly {
    readonly name: string;
    readonly state?: unknown;
    readonly sample?: unknown;
    readonly fields: Readonly<Record<string, CollectedField>>;
  }[];
}

/**
 * Reads a schema document. Its fields are not looked at: no value is in the domain of one that makes no sense, so that
 * its event cannot be sent, and all others can.
 * @throws {Error} If it is malformed or another application's.
 */
export function parseSchema(text: string, app: string): Collection {
  const document = JSON.parse(text) as SchemaDocument;
  if (document.app !== app) throw new DecodeError("Cannot read schema: it is another application's");
  return {
    pseudonymSeconds: seconds(document["pseudonym-seconds"]),
    granularitySeconds: seconds(document["granularity-seconds"]) ?? DEFAULT_GRANULARITY_SECONDS,
    events: new Map(document.events.map(({ name, state, sample, fields }) => [name, {
      open: state !== "stopped",
      sample: typeof sample === "number" ? sample : 1,
      fields: new Map(Object.entries(fields)),
    }])),
  };
}

function seconds(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && value as number > 0) return value as number;
  throw new DecodeError("Cannot read schema: a member is not a number of seconds");
}

/** Why a logged event does not go out. The codes are those of a rejected event (docs/protocol.md, section 6). */
export type EncodeFault =
  | "event_unknown"
  | "collection_stopped"
  | "field_unknown"
  | "field_missing"
  | "field_invalid";

/**
 * Turns a logged event into what goes out: buckets measurements, floors the time, leaves suppressed fields out, and
 * checks it as the service will. An event that is encoded already is only checked again.
 */
export function encodeEvent(collection: Collection, event: EventRecord): EncodedEvent | EncodeFault {
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
      const isMeasured = field.type === "bucket" && !encoded && typeof value === "number";
      const sent = isMeasured ? bucketOf(field.edges, value) : value;
      if (!isInDomain(field, sent)) return "field_invalid";
      fields[fieldName] = sent;
    } catch {
      return "field_invalid";
    }
  }
  for (const [fieldName, field] of collected.fields) {
    if (!field.optional && !field.suppressed && !(fieldName in fields)) return "field_missing";
  }
  return { name, at: floorTo(event.at, collection.granularitySeconds), fields, encoded: true };
}

/** An event as a body carries it. */
export function wireEvent({ name, at, fields }: EncodedEvent): Record<string, unknown> {
  return { name, at: formatInstant(at), fields };
}
