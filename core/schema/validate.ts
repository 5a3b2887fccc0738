/**
 * Checks events against the schema. What is not declared is refused, never stripped silently.
 *
 * @module
 */
import { type EventSchema, type EventSchemas, isOpen, type Suppressions } from "./event.ts";
import type { WireValue } from "./fields/field_type.ts";
import { isValue } from "./fields/table.ts";
import type { FieldSchema } from "./fields/types.ts";
import { isReport } from "../privacy/dp/local_dp.ts";
import { mechanismOf } from "./local_report.ts";
import { floorTo, MAX_AGE_SECONDS, MAX_AHEAD_SECONDS, parseInstant } from "../base/time.ts";

/** An event as a body carries it: the shape is checked, the contents are not. */
export interface WireEvent {
  /** The event's name. */
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly at?: string;
  /** The fields by name. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An event that passed: only declared fields, a floored time. */
export interface ValidEvent {
  /** The event's name. */
  readonly name: string;
  /** Unix seconds, floored to the record granularity. */
  readonly at: number;
  /** The fields by name. */
  readonly fields: Readonly<Record<string, WireValue>>;
}

/** Codes of a rejected event, and of a field that was dropped from an accepted one. */
export type RejectionCode =
  | "event_unknown"
  | "field_unknown"
  | "field_missing"
  | "field_invalid"
  | "collection_stopped"
  | "field_suppressed";

/** Why an event was not taken, or a field of it was dropped. */
export interface Rejection {
  /** The event's position in the body, from 0. */
  readonly index: number;
  /** Why. */
  readonly code: RejectionCode;
  /** `fields.<name>` (at most 64 characters of a name that nobody declared), `name` or `at`; never a value. */
  readonly path: string;
}

/** What came of a body's events. */
export interface Validation {
  /** The events to store. */
  readonly accepted: ValidEvent[];
  /** What was rejected or dropped, in order of the events. */
  readonly rejected: Rejection[];
}

/** Whether a value lies in its field's domain; under local differential privacy, whether it is a report about one. */
export function isInDomain(field: FieldSchema, value: unknown): value is WireValue {
  const mechanism = mechanismOf(field);
  return mechanism === undefined ? isValue(field, value) : isReport(mechanism, value);
}

/** Checks a body's events against the schema and the stops in force at `nowSeconds`. */
export function validateEvents(
  schemas: EventSchemas,
  suppressions: Suppressions,
  events: readonly WireEvent[],
  nowSeconds: number,
  granularitySeconds: number,
): Validation {
  const accepted: ValidEvent[] = [];
  const rejected: Rejection[] = [];
  for (const [index, event] of events.entries()) {
    const schema = Object.hasOwn(schemas, event.name) ? schemas[event.name] : undefined;
    const checked = schema === undefined
      ? { code: "event_unknown" as const, path: "name" }
      : checkEvent(event, schema, suppressions, nowSeconds, granularitySeconds);
    if ("code" in checked) {
      rejected.push({ index, ...checked });
      continue;
    }
    for (const path of checked.suppressed) rejected.push({ index, code: "field_suppressed", path });
    accepted.push(checked.event);
  }
  return { accepted, rejected };
}

type Fault = Pick<Rejection, "code" | "path">;

function checkEvent(
  event: WireEvent,
  schema: EventSchema,
  suppressions: Suppressions,
  nowSeconds: number,
  granularitySeconds: number,
): Fault | { event: ValidEvent; suppressed: string[] } {
  if (!isOpen(event.name, schema, suppressions, nowSeconds)) {
    return { code: "collection_stopped", path: "name" };
  }
  const at = eventTime(event.at, nowSeconds, granularitySeconds);
  if (at === undefined) return { code: "field_invalid", path: "at" };
  const fields = checkFields(event, schema, suppressions);
  if ("code" in fields) return fields;
  return { event: { name: event.name, at, fields: fields.kept }, suppressed: fields.suppressed };
}

function eventTime(
  at: string | undefined,
  nowSeconds: number,
  granularitySeconds: number,
): number | undefined {
  const now = floorTo(nowSeconds, granularitySeconds);
  if (at === undefined) return now;
  const seconds = parseInstant(at);
  if (seconds === undefined) return undefined;
  // The client has floored its time already, so the window's beginning is floored too.
  const earliest = floorTo(nowSeconds - MAX_AGE_SECONDS, granularitySeconds);
  const inWindow = seconds >= earliest && seconds <= nowSeconds + MAX_AHEAD_SECONDS;
  return inWindow ? floorTo(seconds, granularitySeconds) : now;
}

function checkFields(
  event: WireEvent,
  schema: EventSchema,
  suppressions: Suppressions,
): Fault | { kept: Record<string, WireValue>; suppressed: string[] } {
  for (const name of Object.keys(event.fields)) {
    if (!Object.hasOwn(schema.fields, name)) {
      return { code: "field_unknown", path: `fields.${name.slice(0, 64)}` };
    }
  }
  // In the schema's order, whatever order they came in: a record must not tell who wrote its JSON.
  const kept: Record<string, WireValue> = {};
  const suppressed: string[] = [];
  for (const [name, field] of Object.entries(schema.fields)) {
    const path = `fields.${name}`;
    const isGiven = Object.hasOwn(event.fields, name);
    if (suppressions.fields.has(`${event.name}.${name}`)) {
      if (isGiven) suppressed.push(path);
      continue;
    }
    if (!isGiven) {
      if (field.optional === true) continue;
      return { code: "field_missing", path };
    }
    const value = event.fields[name];
    if (!isInDomain(field, value)) return { code: "field_invalid", path };
    // JSON knows -0, and so does the store; for a record the two zeros are one.
    kept[name] = value === 0 ? 0 : value;
  }
  return { kept, suppressed };
}
