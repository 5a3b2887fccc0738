/**
 * What an application collects, as the client reads it from the public schema (docs/protocol.md, section 10).
 *
 * @module
 */
import { DecodeError } from "../../core/base/bytes.ts";
import { MINIMUM_EPSILON } from "../../core/privacy/dp/local_dp.ts";
import {
  DEFAULT_GRANULARITY_SECONDS,
  GRANULARITIES,
  isRotation,
  MAX_LOCAL_EPSILON,
  SAMPLE_RATES,
} from "../../core/schema/bounds.ts";
import { DEFAULT_MAX_VALUES, GREATEST_MAX_VALUES } from "../../core/schema/fields/field_type.ts";
import { isField, valueCount } from "../../core/schema/fields/table.ts";
import type { FieldSchema } from "../../core/schema/fields/types.ts";
import type { DocumentFault } from "./codes.ts";

/** How a field is randomised, as the schema publishes it. */
interface Mechanism {
  readonly epsilon: number;
  readonly "max-values"?: unknown;
}

/** A field as the schema publishes it. */
export type CollectedField = FieldSchema & {
  /** Clients leave it out. */
  readonly suppressed?: boolean;
  /** Its values are randomised before they are sent, and few of them reported about in a period. */
  readonly "local-dp"?: Mechanism;
  /** The schema lacks it, and the app was compiled with it: an event that has it waits. */
  readonly missing?: boolean;
};

/** An event as the schema publishes it. */
export interface CollectedEvent {
  /**
   * Why the client does not go by what is published of it: then it waits for another schema. Empty where the schema lacks
   * what the app was compiled with: an operator may have taken it away, which is no fault to tell.
   */
  readonly fault?: DocumentFault | "";
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

type Members = Readonly<Record<string, unknown>>;

/** The rotation of periods where no pseudonym is collected: reports and samples have them all the same. */
export const ROTATION_SECONDS = 604_800;

const NAME = /^[a-z][a-z0-9_]{0,62}$/;

/** An event of which nothing is sent. */
export function faulty(fault: DocumentFault | ""): CollectedEvent {
  return { fault, open: false, sample: 1, fields: new Map() };
}

/**
 * Reads the text of a schema document.
 * @throws {Error} If it is no schema, or another application's.
 */
export function parseSchema(text: string, app: string): Collection {
  return readSchema(JSON.parse(text), app);
}

/**
 * Reads a schema document. An event that makes no sense is marked so, and all others are as they are.
 * @throws {Error} If it is no schema, or another application's.
 */
export function readSchema(written: unknown, app: string): Collection {
  const {
    app: named,
    "pseudonym-seconds": pseudonymSeconds,
    "granularity-seconds": granularitySeconds = DEFAULT_GRANULARITY_SECONDS,
    events: list,
  } = written as Members;
  const isSound = named === app && Array.isArray(list) &&
    (pseudonymSeconds === undefined || isRotation(pseudonymSeconds)) &&
    GRANULARITIES.includes(granularitySeconds as number);
  if (!isSound) throw new DecodeError("Cannot read schema");
  const events = new Map<string, CollectedEvent>();
  for (const event of list as (Members | null)[]) {
    const name = event?.name;
    // Nobody can log what has no name.
    if (!isName(name)) continue;
    events.set(name, !events.has(name) && readEvent(event as Members) || faulty("malformed"));
  }
  return { pseudonymSeconds, granularitySeconds: granularitySeconds as number, events };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}

/** An event; undefined when it makes no sense. */
function readEvent({ state = "open", sample = 1, fields }: Members): CollectedEvent | undefined {
  const open = state === "open";
  if (!open && state !== "stopped" || !SAMPLE_RATES.includes(sample as number)) return undefined;
  if (typeof fields !== "object" || fields === null) return undefined;
  const list = Object.entries(fields);
  if (!list.every(([name, field]) => isName(name) && isField(field) && isReported(field))) return undefined;
  return { open, sample: sample as number, fields: new Map(list) };
}

/** Whether a field is sent as it is, or a report about it can be drawn. */
function isReported(field: CollectedField): boolean {
  const mechanism: unknown = field["local-dp"];
  if (mechanism === undefined) return true;
  const epsilon = (mechanism as Members | null)?.epsilon;
  const values = valueCount(field);
  return typeof epsilon === "number" && epsilon >= MINIMUM_EPSILON && epsilon <= MAX_LOCAL_EPSILON &&
    values > 1 && values <= 2 ** 16;
}

/** Values of a field that are reported about in a period, however many the schema would like. */
export function mostValues({ "max-values": stated }: Mechanism): number {
  return Number.isInteger(stated) ? Math.min(stated as number, GREATEST_MAX_VALUES) : DEFAULT_MAX_VALUES;
}
