/**
 * Refusals as `application/problem+json` (RFC 9457): the only place that knows which HTTP status goes with a code.
 *
 * @module
 */
import { Refusal, type RefusalCode } from "../../core/base/errors.ts";
import { CODE_HEADER } from "./headers.ts";

/** Status and title of every code (docs/protocol.md, section 6). */
export const PROBLEMS: Readonly<Record<RefusalCode, readonly [status: number, title: string]>> = {
  body_malformed: [400, "The body is malformed"],
  query_refused: [400, "A query string is refused"],
  target_malformed: [400, "The host or the target is malformed"],
  credential_missing: [401, "The credential is missing"],
  credential_malformed: [401, "The credential is malformed"],
  key_unknown: [401, "The key is unknown"],
  key_expired: [401, "The key has ended"],
  mac_invalid: [401, "The MAC is invalid"],
  pseudonym_mismatch: [401, "The token serves another pseudonym"],
  session_invalid: [401, "The session is invalid"],
  service_token_invalid: [401, "The service token is invalid"],
  admin_token_invalid: [401, "The admin token is invalid"],
  console_session_invalid: [401, "The session of the console has ended"],
  role_insufficient: [403, "The role is insufficient"],
  request_forged: [403, "The request does not come from the console"],
  use_out_of_range: [403, "The use is out of range"],
  app_unknown: [404, "The application is unknown"],
  route_unknown: [404, "The route is unknown"],
  epoch_unknown: [404, "The epoch has no key"],
  generation_unknown: [404, "The epoch has no such generation"],
  stop_unknown: [404, "Nothing is stopped there"],
  method_not_allowed: [405, "The method is not allowed"],
  request_timeout: [408, "The body did not arrive in time"],
  use_taken: [409, "The use is taken"],
  store_pinned: [409, "The application belongs to another store"],
  replacement_refused: [409, "The key is not replaced"],
  time_disputed: [409, "The clocks disagree"],
  collection_stopped: [410, "The collection is stopped"],
  body_too_large: [413, "The body is too large"],
  media_type: [415, "The media type is refused"],
  batch_invalid: [422, "The batch is invalid"],
  key_not_issuing: [422, "The key does not issue"],
  events_invalid: [422, "No event is valid"],
  overloaded: [429, "The service is busy"],
  quota_exhausted: [429, "The quota is exhausted"],
  headers_too_large: [431, "The headers are too large"],
  internal: [500, "Something went wrong"],
  store_unavailable: [503, "The store is unavailable"],
  sessions_unavailable: [503, "Sessions cannot be verified"],
};

/** The media type of a refusal. */
export const PROBLEM_TYPE = "application/problem+json";

const CHALLENGES: Partial<Record<RefusalCode, string>> = {
  credential_missing: "DIT",
  credential_malformed: "DIT",
  key_unknown: "DIT",
  key_expired: "DIT",
  mac_invalid: "DIT",
  pseudonym_mismatch: "DIT",
  session_invalid: "Bearer",
  service_token_invalid: "Bearer",
  admin_token_invalid: "Bearer",
};

/** A refusal as a document. */
export interface DescribedProblem {
  /** Its code. */
  readonly code: RefusalCode;
  /** The scheme that WWW-Authenticate names, where a credential is wrong. */
  readonly challenge: string | undefined;
  /** Seconds, whole, after which another try makes sense. */
  readonly retryAfter: number | undefined;
  /** The members of the document. */
  readonly problem: { readonly status: number } & Readonly<Record<string, unknown>>;
}

/** Describes a refusal. Anything that is no refusal is `internal`, and its message stays inside. */
export function describeProblem(error: unknown): DescribedProblem {
  const { code, message, details: { retryAfterSeconds, members } } = error instanceof Refusal
    ? error
    : new Refusal("internal", "Something went wrong here; try again.");
  const [status, title] = PROBLEMS[code];
  return {
    code,
    challenge: CHALLENGES[code],
    retryAfter: retryAfterSeconds === undefined ? undefined : Math.ceil(retryAfterSeconds),
    problem: { type: "about:blank", title, status, code, detail: message, ...members },
  };
}

/** The answer that a refusal gets. */
export function problemResponse(error: unknown): Response {
  const { code, challenge, retryAfter, problem } = describeProblem(error);
  const headers = new Headers({
    "content-type": PROBLEM_TYPE,
    "cache-control": "no-store",
    [CODE_HEADER]: code,
  });
  if (challenge !== undefined) headers.set("www-authenticate", challenge);
  if (retryAfter !== undefined) headers.set("retry-after", String(retryAfter));
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
