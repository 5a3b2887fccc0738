/**
 * The public document that says what an application collects (docs/protocol.md, section 10).
 *
 * @module
 */
import { type EventSchemas, isOpen, type Suppressions } from "./event.ts";
import type { FieldSchema } from "./fields/types.ts";
import { maxValuesOf, mechanismOf } from "./local_report.ts";

/** What the schema document says of an application. */
export interface CollectingApplication {
  /** The application's id. */
  readonly id: string;
  /** Rotation of the pseudonym in seconds; undefined: none is collected. */
  readonly pseudonymSeconds: number | undefined;
  /** Seconds to which times are floored. */
  readonly granularitySeconds: number;
  /** The events by name. */
  readonly events: EventSchemas;
}

/** The JSON document of `GET /v1/apps/{app}/schema`. */
export function schemaDocument(
  { id, pseudonymSeconds, granularitySeconds, events }: CollectingApplication,
  suppressions: Suppressions,
  nowSeconds: number,
): Record<string, unknown> {
  return {
    app: id,
    ...(pseudonymSeconds === undefined ? {} : { "pseudonym-seconds": pseudonymSeconds }),
    "granularity-seconds": granularitySeconds,
    events: Object.entries(events).map(([name, event]) => ({
      name,
      description: event.description,
      purpose: event.purpose,
      owner: event.owner,
      ...(event.review === undefined ? {} : { review: event.review }),
      expires: event.expires,
      state: isOpen(name, event, suppressions, nowSeconds) ? "open" : "stopped",
      sample: event.sample ?? 1,
      fields: Object.fromEntries(
        Object.entries(event.fields).map(([field, schema]) => [
          field,
          fieldDocument(schema, suppressions.fields.has(`${name}.${field}`)),
        ]),
      ),
    })),
  };
}

function fieldDocument(field: FieldSchema, suppressed: boolean): Record<string, unknown> {
  const { localDp: _localDp, ...rest } = field;
  const mechanism = mechanismOf(field);
  return {
    ...rest,
    ...(mechanism === undefined ? {} : {
      "local-dp": {
        epsilon: mechanism.epsilon,
        mechanism: mechanism.mechanism,
        "max-values": maxValuesOf(field),
      },
    }),
    ...(suppressed ? { suppressed: true } : {}),
  };
}
