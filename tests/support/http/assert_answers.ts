/**
 * What every answer to a log has to look like, and that a refusal left the store alone.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { RefusalCode } from "../../../core/base/errors.ts";
import { snapshot, type TestService } from "../service/service.ts";

/** A problem document (RFC 9457). */
export type Problem = Record<string, unknown> & { code: string; detail: string };

const CHALLENGES: Partial<Record<RefusalCode, string>> = {
  credential_missing: "DIT",
  credential_malformed: "DIT",
  key_unknown: "DIT",
  key_expired: "DIT",
  mac_invalid: "DIT",
  pseudonym_mismatch: "DIT",
  session_invalid: "Bearer",
  service_token_invalid: "Bearer",
};
/** No answer to a client ever has these. */
const NEVER = ["set-cookie", "etag", "x-dit-code", "x-request-id", "server", "last-modified"];
const WITH_RETRY_AFTER: readonly RefusalCode[] = [
  "quota_exhausted",
  "overloaded",
  "store_unavailable",
  "sessions_unavailable",
];

/** Asserts that all events of a log were accepted, now or before. */
export async function assertAccepted(response: Response, accepted = 1, replayed = false): Promise<void> {
  assertEquals([response.status, await response.json()], [200, { accepted, rejected: [] }]);
  assertEquals(response.headers.get("dit-replayed"), replayed ? "?1" : null);
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(response.headers.get("content-type"), "application/json");
  for (const name of NEVER) assertEquals(response.headers.get(name), null, name);
}

/** Asserts status, code, headers and shape of a refusal as section 6 of docs/protocol.md has them; gives its document. */
export async function assertRefused(
  response: Response,
  status: number,
  code: RefusalCode,
): Promise<Problem> {
  const text = await response.text();
  assertEquals([response.status, JSON.parse(text).code], [status, code], text);
  const problem: Problem = JSON.parse(text);
  assertEquals(problem.status, status);
  assertEquals(problem.type, "about:blank");
  assert(typeof problem.title === "string" && typeof problem.detail === "string");
  const { headers } = response;
  assertEquals(headers.get("content-type"), "application/problem+json");
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals(headers.get("www-authenticate"), CHALLENGES[code] ?? null);
  if (WITH_RETRY_AFTER.includes(code)) assertMatch(headers.get("retry-after") ?? "none", /^[1-9][0-9]*$/);
  else assertEquals(headers.get("retry-after"), null);
  for (const name of [...NEVER, "dit-replayed"]) assertEquals(headers.get(name), null, name);
  return problem;
}

/** Sends a request and asserts that it is refused and that not a byte of the store has changed. */
export async function assertRefusedUnwritten(
  test: TestService,
  request: readonly [path: string, init?: RequestInit],
  status: number,
  code: RefusalCode,
): Promise<Problem> {
  const before = await snapshot(test.kv);
  const problem = await assertRefused(await test.send(...request), status, code);
  await test.service.committer.drain();
  assertEquals(await snapshot(test.kv), before);
  return problem;
}
