/**
 * What a field under local differential privacy sends: not its value but a randomised report about the value's index in
 * its domain (core/privacy/dp/local_dp.ts).
 *
 * @module
 */
import { type LocalDp, localDp } from "../privacy/dp/local_dp.ts";
import { valueCount } from "./fields/table.ts";
import type { FieldSchema } from "./fields/types.ts";

/** How a field's values are randomised; undefined when they are sent as they are. */
export function mechanismOf(field: FieldSchema): LocalDp | undefined {
  return field.localDp === undefined ? undefined : localDp(field.localDp.epsilon, valueCount(field));
}
