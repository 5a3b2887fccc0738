/**
 * What an application collects, as the client reads it from the public schema (docs/protocol.md, section 10).
 *
 * @module
 */
import { DecodeError } from "../../core/base/bytes.ts";
import type { FieldSchema } from "../../core/schema/fields/types.ts";

const DAY = 86_400;
/** Seconds to which times are floored unless the schema says another granularity. */
const DEFAULT_GRANULARITY_SECONDS = 3_600;

/** A field as the schema publishes it. */
export type CollectedField = FieldSchema & {
  /** Clients leave it out. */
  readonly suppressed?: boolean;
  /** Its values are randomised before they are sent, and few of them reported about in a period. */
  readonly "local-dp"?: { readonly epsilon: number; readonly "max-values"?: unknown };
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
  if (document.app !== app) throw new DecodeError("Cannot read schema: app");
  return {
    pseudonymSeconds: seconds(document["pseudonym-seconds"], DAY, 400 * DAY),
    granularitySeconds: seconds(document["granularity-seconds"], 60, DAY) ?? DEFAULT_GRANULARITY_SECONDS,
    events: new Map(document.events.map(({ name, state, sample, fields }) => [name, {
      open: state !== "stopped",
      sample: typeof sample === "number" ? sample : 1,
      fields: new Map(Object.entries(fields)),
    }])),
  };
}

/** No service of this protocol says less or more: a pseudonym that never ends would follow its device for good. */
function seconds(value: unknown, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && value as number >= least && value as number <= most) {
    return value as number;
  }
  throw new DecodeError("Cannot read schema: seconds");
}
