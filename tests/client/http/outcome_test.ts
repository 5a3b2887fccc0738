import { assertEquals } from "@std/assert";
import type { ServiceCode } from "../../../client/base/codes.ts";
import { type Action, decide as decideOn } from "../../../client/http/outcome.ts";
import { PROBLEMS } from "../../../edge/http/problem.ts";
import type { RefusalCode } from "../../../core/base/errors.ts";

/** The last column of the table of docs/protocol.md, section 6, as an answer to a log: surely not taken before, and after an unknown outcome. */
const TABLE: Readonly<Partial<Record<RefusalCode, readonly [certain: Action, uncertain: Action]>>> = {
  body_malformed: ["drop_and_renew", "unknown"],
  query_refused: ["drop", "unknown"],
  target_malformed: ["drop", "unknown"],
  credential_missing: ["drop", "unknown"],
  credential_malformed: ["drop", "unknown"],
  key_unknown: ["next_key", "unknown"],
  key_expired: ["next_key", "unknown"],
  mac_invalid: ["next_token", "next_token"],
  use_out_of_range: ["next_token", "unknown"],
  app_unknown: ["stop", "stop"],
  route_unknown: ["stop", "stop"],
  method_not_allowed: ["stop", "stop"],
  use_taken: ["next_use", "next_use"],
  request_timeout: ["retry", "retry"],
  collection_stopped: ["drop_and_renew", "unknown"],
  body_too_large: ["split", "unknown"],
  media_type: ["drop", "unknown"],
  headers_too_large: ["drop", "unknown"],
  events_invalid: ["drop_and_renew", "unknown"],
  overloaded: ["wait", "wait"],
  internal: ["retry", "retry"],
  store_unavailable: ["retry", "retry"],
};

/** Decides on a code as it comes from the wire. */
const decide = (status: number, code: string | undefined, uncertain: boolean) =>
  decideOn(status, code as ServiceCode | undefined, uncertain);

Deno.test("decide() does what the last column of the table of failures says", () => {
  for (const [code, [certain, uncertain]] of Object.entries(TABLE)) {
    const [status] = PROBLEMS[code as RefusalCode];
    assertEquals(decide(status, code, false), certain, `${code} at first`);
    assertEquals(decide(status, code, true), uncertain, `${code} after an unknown outcome`);
  }
});

Deno.test("decide() does something about every code that the service may answer a log with", () => {
  const ofOtherRoutes: RefusalCode[] = [
    "session_invalid",
    "service_token_invalid",
    "batch_invalid",
    "key_not_issuing",
    "quota_exhausted",
    "sessions_unavailable",
  ];
  for (const [code, [status]] of Object.entries(PROBLEMS)) {
    if (ofOtherRoutes.includes(code as RefusalCode)) continue;
    // What is not in the table above never moves a log that may have landed.
    const action = decide(status, code, true);
    assertEquals(
      action === (TABLE[code as RefusalCode]?.[1] ?? action),
      true,
      `${code} has a row`,
    );
    assertEquals(["retry", "wait", "stop", "unknown", "next_use", "next_token"].includes(action), true, code);
  }
});

Deno.test("decide() takes no answer, and the answer of somebody else, for an unknown outcome", () => {
  assertEquals(decide(0, "no_answer", false), "retry");
  for (const status of [301, 400, 401, 403, 404, 409, 410, 413, 418, 422, 500, 502, 503, 504]) {
    assertEquals(decide(status, undefined, false), "retry", String(status));
  }
  assertEquals(decide(429, undefined, false), "wait");
});

Deno.test("decide() drops what it does not know, whatever the code is called", () => {
  for (const code of ["new_code", "constructor", "to_string", "__proto__"]) {
    assertEquals(decide(418, code, false), "drop");
    assertEquals(decide(418, code, true), "unknown");
  }
});
