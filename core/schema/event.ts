/**
 * The events that an application collects (docs/protocol.md, section 10), what stops them, and the types of what an
 * app logs.
 *
 * @module
 */
import type { FieldSchema, ValueOf } from "./fields/types.ts";

/** What the risk monitor does once a field, a pair or a record surely singles people out. */
export type RiskAction =
  /** Tells people and goes on. */
  | "warn"
  /** Suppressions collecting the field; of several, the one with the most values. */
  | "suppress-field"
  /** Suppressions collecting the event. */
  | "stop-event"
  /** Withholds the event from export and release, from its first day until it has passed. */
  | "quarantine";

/** When the values that people really send single them out (docs/privacy.md). */
export interface RiskThresholds {
  /** A value is rare when it was seen with at most this many pseudonyms, 1..64; 2 by default. */
  readonly rarePseudonyms?: number;
  /** People are told when this share of the values is rare, 0..1; 0.25 by default. */
  readonly warnShare?: number;
  /** The action follows when surely this share of the values is rare, 0..1; 0.5 by default. */
  readonly stopShare?: number;
  /** Nobody is told while fewer than this share of the people have a rare value, 0..1; 0.05 by default. */
  readonly warnExposed?: number;
  /** No action follows while fewer than this share of the people have a rare value, 0..1; 0.2 by default. */
  readonly stopExposed?: number;
  /** Pseudonyms before which nothing is judged, 10..10^9; by default it follows from domain and expected clients. */
  readonly minPseudonyms?: number;
  /** What follows; `suppress-field` for a field and `stop-event` for a combination of fields by default. */
  readonly action?: RiskAction;
}

/**
 * When what a pseudonym says in total, in all of its logs of a period, singles it out (docs/privacy.md). Lively clients
 * are singled out by the mere amount, so by default people are told and nothing is stopped.
 */
export interface TotalThresholds {
  /** A total is rare when at most this many pseudonyms have it, 1..64; 2 by default. */
  readonly rarePseudonyms?: number;
  /** People are told when this share of the pseudonyms has a rare total, 0..1; 0.5 by default. */
  readonly warnExposed?: number;
  /** The action follows when surely this share has one, 0..1; 0.8 by default. */
  readonly stopExposed?: number;
  /** Pseudonyms before which nothing is judged, 10..10^9; a tenth more than of events by default. */
  readonly minPseudonyms?: number;
  /** What follows: `warn`, the default, or `stop-event`, which stops all events of the application. */
  readonly action?: "warn" | "stop-event";
}

/** The thresholds of an application: of its events, and of what a pseudonym says in total. */
export interface ApplicationRisk extends RiskThresholds {
  /** Of what a pseudonym says in total. */
  readonly total?: TotalThresholds;
}

/** The thresholds of one event, and of single fields of it. */
export interface EventRisk extends RiskThresholds {
  /** Thresholds of single fields; what they leave out is the event's. */
  readonly fields?: Readonly<Record<string, RiskThresholds>>;
}

/** The definition of one event. */
export interface EventSchema {
  /** What happened when this event is sent, for the people whose devices send it. */
  readonly description: string;
  /** Which question the event answers. */
  readonly purpose: string;
  /** Who answers for it. */
  readonly owner: string;
  /** The last day, `YYYY-MM-DD` (UTC), on which it is collected. */
  readonly expires: string;
  /** Where its privacy review is written down. */
  readonly review?: string;
  /** Why its records may single clients out, where they could: without it, too identifying an event is refused. */
  readonly identifying?: string;
  /** The share of clients that should send it, one of `SAMPLE_RATES`: 1, 0.5, 0.25, 0.1 .. 0.001; 1 by default. */
  readonly sample?: number;
  /** An operator's kill switch: `stopped` refuses the event. */
  readonly state?: "open" | "stopped";
  /** When the risk monitor warns and stops; what is left out is the application's. */
  readonly risk?: EventRisk;
  /** The fields by name. */
  readonly fields: Readonly<Record<string, FieldSchema>>;
}

/** The events of one application by name. */
export type EventSchemas = Readonly<Record<string, EventSchema>>;

/**
 * An event that a checked configuration, or what was made from it, names.
 * @throws {RangeError} If the application has none of this name.
 */
export function eventOf({ events }: { readonly events: EventSchemas }, name: string): EventSchema {
  const event = events[name];
  if (event === undefined) throw new RangeError(`Cannot find the event ${name}`);
  return event;
}

/**
 * A field that a checked configuration, or what was made from it, names.
 * @throws {RangeError} If the event has none of this name.
 */
export function fieldOf({ fields }: Pick<EventSchema, "fields">, name: string): FieldSchema {
  const field = fields[name];
  if (field === undefined) throw new RangeError(`Cannot find the field ${name}`);
  return field;
}

/** The names of an event's optional fields. */
export type OptionalNames<E extends EventSchema> = {
  [N in keyof E["fields"]]: E["fields"][N] extends { optional: true } ? N : never;
}[keyof E["fields"]];

/** What an app passes to `log` for one event: typed from the schema, so that a typo does not compile. */
export type FieldValues<E extends EventSchema> =
  & { [N in Exclude<keyof E["fields"], OptionalNames<E>>]: ValueOf<E["fields"][N]> }
  & { [N in OptionalNames<E>]?: ValueOf<E["fields"][N]> };

/** What the privacy monitor has decided about an application, laid over its schema. */
export interface Suppressions {
  /** Names of events that are stopped. */
  readonly events: ReadonlySet<string>;
  /** `event.field` of fields that are suppressed. */
  readonly fields: ReadonlySet<string>;
}

/** Nothing stopped. */
export const NO_SUPPRESSIONS: Suppressions = { events: new Set(), fields: new Set() };

/** Whether an event is collected at `nowSeconds`: not stopped, and not past the end of its last day. */
export function isOpen(
  name: string,
  event: EventSchema,
  suppressions: Suppressions,
  nowSeconds: number,
): boolean {
  return event.state !== "stopped" && !suppressions.events.has(name) &&
    nowSeconds < Date.parse(`${event.expires}T00:00:00Z`) / 1000 + 86_400;
}
