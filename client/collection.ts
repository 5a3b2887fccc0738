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

/** Most bytes of a schema document. */
export const MAX_SCHEMA_BYTES = 512 * 1024;
/** Seconds to which times are floored unless the schema says another granularity. */
const DEFAULT_GRANULARITY_SECONDS = 3_600;

/** A field as the schema publishes it. */
export type CollectedField = FieldSchema & {
  /** Clients leave it out. */
  readonly suppressed: boolean;
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

type Members = Record<string, unknown>;

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(what: string): never {
  throw new DecodeError(`Cannot read schema: ${what}`);
}

/**
 * Reads a schema document. A field of a type that this client does not know makes its event unsendable, not the
 * document unreadable.
 * @throws {DecodeError} If it is malformed or another application's.
 */
export function parseSchema(text: string, app: string): Collection {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    refuse("it is not JSON");
  }
  if (!isMembers(document) || !Array.isArray(document.events)) refuse("it lists no events");
  if (document.app !== app) refuse("it is another application's");
  const events = new Map<string, CollectedEvent>();
  for (const event of document.events as unknown[]) {
    if (!isMembers(event) || typeof event.name !== "string" || !isMembers(event.fields)) {
      refuse("an event lacks its name or its fields");
    }
    const fields = new Map(
      Object.entries(event.fields).map(([name, field]) => [name, parseField(field)] as const),
    );
    const known = [...fields.values()].every((field) => field !== undefined);
    events.set(event.name, {
      open: known && event.state !== "stopped",
      sample: typeof event.sample === "number" ? event.sample : 1,
      fields: fields as Map<string, CollectedField>,
    });
  }
  return {
    pseudonymSeconds: optionalSeconds(document, "pseudonym-seconds"),
    granularitySeconds: optionalSeconds(document, "granularity-seconds") ?? DEFAULT_GRANULARITY_SECONDS,
    events,
  };
}

function optionalSeconds(document: Members, name: string): number | undefined {
  const value = document[name];
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 1) refuse(`${name} is not a number of seconds`);
  return value as number;
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === "number");

function parseField(field: unknown): CollectedField | undefined {
  if (!isMembers(field)) refuse("a field is not an object");
  const { type } = field;
  const known = type === "boolean" || type === "version" ||
    (type === "enum" && Array.isArray(field.values)) ||
    (type === "integer" && Number.isSafeInteger(field.min) && Number.isSafeInteger(field.max)) ||
    (type === "bucket" && isNumbers(field.edges));
  if (!known) return undefined;
  const { "local-dp": localDp, ...rest } = field;
  return {
    ...rest,
    ...(isMembers(localDp) ? { localDp } : {}),
    suppressed: field.suppressed === true,
  } as unknown as CollectedField;
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
  const collected = collection.events.get(event.name);
  if (collected === undefined) return "event_unknown";
  if (!collected.open) return "collection_stopped";
  const fields: Record<string, WireValue> = {};
  for (const [name, value] of Object.entries(event.fields)) {
    if (value === undefined) continue;
    const field = collected.fields.get(name);
    if (field === undefined) return "field_unknown";
    if (field.suppressed) continue;
    const encoded = event.encoded ? value : encodeValue(field, value);
    if (!isInDomain(field, encoded)) return "field_invalid";
    fields[name] = encoded;
  }
  for (const [name, field] of collected.fields) {
    if (field.optional !== true && !field.suppressed && !Object.hasOwn(fields, name)) return "field_missing";
  }
  return { name: event.name, at: floorTo(event.at, collection.granularitySeconds), fields, encoded: true };
}

function encodeValue(field: CollectedField, value: unknown): unknown {
  if (field.type !== "bucket") return value;
  return typeof value === "number" && !Number.isNaN(value) ? bucketOf(field.edges, value) : undefined;
}

/** An event as a body carries it. */
export function wireEvent(event: EncodedEvent): Record<string, unknown> {
  return { name: event.name, at: formatInstant(event.at), fields: event.fields };
}
