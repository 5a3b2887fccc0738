import { assert } from "@std/assert";
import type { EventFault, ServiceCode } from "../../../client/base/codes.ts";
import type { RefusalCode } from "../../../core/base/errors.ts";
import type { RejectionCode } from "../../../core/schema/validate.ts";

/** Codes that answer operators, and other servers, but no client. */
type OfOthers =
  | "admin_token_invalid"
  | "console_session_invalid"
  | "epoch_unknown"
  | "generation_unknown"
  | "replacement_refused"
  | "request_forged"
  | "role_insufficient"
  | "service_token_invalid"
  | "store_pinned"
  | "stop_unknown"
  | "time_disputed";

/** True when `All` has no member that is not in `Some`. */
type IsWithin<All, Some> = [Exclude<All, Some>] extends [never] ? true : false;

Deno.test("the client's codes are those with which the service answers clients", () => {
  const isKnown: IsWithin<ServiceCode, RefusalCode | RejectionCode> = true;
  const isAll: IsWithin<RefusalCode, ServiceCode | OfOthers> = true;
  const isReason: IsWithin<RejectionCode, EventFault | "field_suppressed"> = true;
  assert(isKnown && isAll && isReason);
});
