/**
 * A log as it may reach its verb: a plain object of values that are on a list, made anew. Nothing behind it has ever seen
 * the request, and nothing leads back to one.
 *
 * @module
 */
import { isDitScheme } from "../core/token/credential.ts";
import type { BodyWait } from "./http/body_wait.ts";
import { HeaderBounds } from "./http/header_bounds.ts";
import { HOP_HEADER } from "./http/headers.ts";
import { type BodyBounds, readBounded } from "./http/read_body.ts";
import { SEND_LOG } from "./operations/client.ts";
import type { Hop } from "./strip.ts";

/** The name of a header field that may reach the verb. */
export type LogField = (typeof SEND_LOG.passes)[number];

/** The header fields of a log by name; null where there is none. */
export type LogFields = Readonly<Record<LogField, string | null>>;

/** A log, stripped. */
export interface LogMessage {
  /** The application's id as the path has it; nothing is known of it yet. */
  readonly app: string;
  /** Its header fields. */
  readonly fields: LogFields;
  /** Whether another region sends it on, or somebody claims so. */
  readonly hop: Hop;
  /** Reads its body, once: see {@linkcode readBounded}. */
  readonly readBody: (bounds: Omit<BodyBounds, "wait">) => Promise<Uint8Array<ArrayBuffer>>;
}

/** No field at all; every name that may pass, and so every name that can. */
const NO_FIELDS = Object.freeze(
  Object.fromEntries(SEND_LOG.passes.map((name) => [name, null])) as Record<LogField, null>,
);

/**
 * The header fields of a log, in one pass over those of the request, which are counted in it.
 * @throws {Refusal} `headers_too_large`.
 */
export function stripLogFields(headers: Headers): LogFields {
  const fields: Record<LogField, string | null> = { ...NO_FIELDS };
  const bounds = new HeaderBounds();
  headers.forEach((value, name) => {
    bounds.count(name, value);
    if (Object.hasOwn(NO_FIELDS, name)) fields[name as LogField] = value;
  });
  bounds.require();
  // A session on the anonymous route would say who it is; it ends here like every other header.
  if (!isDitScheme(fields.authorization ?? "")) fields.authorization = null;
  return fields;
}

/** The message of a request that was stripped already (edge/strip.ts), as the router has it. */
export function messageOfStripped({ headers, body }: Request, app: string, wait: BodyWait): LogMessage {
  const fields = Object.fromEntries(SEND_LOG.passes.map((name) => [name, headers.get(name)])) as LogFields;
  const hop = headers.get(HOP_HEADER);
  return {
    app,
    fields,
    hop: hop === null ? "none" : hop === "?1" ? "valid" : "claimed",
    readBody: (bounds) => readBounded(body, { ...bounds, wait }),
  };
}
