/**
 * The names of the header fields that mean something here, and what an answer of an anonymous route may carry. A file
 * below everything else of the edge, so that the setting and the stripping of a header name the same one.
 *
 * @module
 */

/** Names a client to an ACS: a keyed hash, never an identity. */
export const CLIENT_HEADER = "dit-client";
/** Names the store of a log server to an ACS. */
export const STORE_HEADER = "dit-store";
/** Says that one region sends something on to another. */
export const HOP_HEADER = "dit-hop";
/**
 * What an answer is counted as, on its way to the access log: the code of a refusal, or the outcomes of a batch's logs with
 * commas between. It is removed before the answer leaves.
 */
export const CODE_HEADER = "x-dit-code";

/** What an answer on an anonymous route may carry: no cookie, no validator, no id of a request. */
export const ANONYMOUS_ANSWER_HEADERS: readonly string[] = [
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "access-control-max-age",
  "allow",
  "content-type",
  "dit-replayed",
  "retry-after",
  "www-authenticate",
];

/** What a page of another origin may read of an answer under /v1/. */
export const EXPOSED_HEADERS: readonly string[] = ["DIT-Replayed", "Retry-After", "ETag", "Date", "Age"];
/** The same of a refusal before the routes, which has only this. */
export const EXPOSED_EARLY = "Retry-After";
