/**
 * Local differential privacy for clients, apart from the client so that an app without such fields does not carry it.
 *
 * @module
 */
import { randomise } from "../core/privacy/dp/local_dp.ts";
import { indexOfValue } from "../core/schema/fields/table.ts";
import { mechanismOf } from "../core/schema/local_report.ts";
import type { FieldSchema } from "../core/schema/fields/types.ts";
import type { RandomSource } from "../core/base/random.ts";

/**
 * The report about a field's value: pass it to a client as `localDp`.
 *
 * @example
 * ```ts ignore
 * import { DitClient } from "@dit/service";
 * import { localDpReport } from "@dit/service/local_dp";
 *
 * const client = new DitClient({
 *   endpoint: "https://telemetry.example",
 *   app: "demo",
 *   session,
 *   localDp: localDpReport,
 * });
 * ```
 *
 * @throws {RangeError} If the value is not in the field's domain, or the field is not under local differential privacy or
 * under another mechanism than this version has.
 */
export function localDpReport(field: FieldSchema, value: unknown, random: RandomSource): number {
  const mechanism = mechanismOf(field);
  if (mechanism === undefined) throw new RangeError("Cannot randomise: the field is sent as it is");
  // What a schema names besides epsilon is for clients of other versions, whose reports this service would misread.
  const { mechanism: named = mechanism.mechanism } = field.localDp as { readonly mechanism?: unknown };
  if (named !== mechanism.mechanism) throw new RangeError("Cannot randomise: the mechanism is another one");
  return randomise(mechanism, indexOfValue(field, value), random);
}
