/**
 * The body of a log: unpacked and read strictly (docs/protocol.md, section 5).
 *
 * @module
 */
import { gunzipSync } from "node:zlib";
import { isBase64url } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import { parseWellFormedJson } from "../base/json.ts";
import type { ContentEncoding } from "../token/mac.ts";
import { NONCE_LENGTH } from "../token/nonce.ts";
import { PSEUDONYM_LENGTH } from "./pseudonym.ts";
import type { WireEvent } from "./validate.ts";

/** Most bytes of a body, on the wire and after decompression. */
export const MAX_BODY_BYTES = 64 * 1024;
/** Most events of a body. */
export const MAX_EVENTS = 100;
/** Bytes of a salt. */
export const SALT_LENGTH = 16;
const MEMBERS: ReadonlySet<string> = new Set(["salt", "pseudonym", "binding", "events", "pad"]);

/** A body that was read. The salt and the padding are checked and forgotten; the binding is, once it is checked. */
export interface LogBody {
  /** Base64url of 16 bytes; absent where the client sent none. */
  readonly pseudonym?: string;
  /** Base64url of 32 bytes, which bind the token's nonce to the pseudonym; absent where the client sent none. */
  readonly binding?: string;
  /** 1..100 events. */
  readonly events: WireEvent[];
}

/**
 * Reads a body as it was sent. Nothing here depends on what the application collects: what is refused now was never
 * accepted before.
 * @throws {Refusal} `body_too_large` when it has or unpacks to more than 64 KiB, else `body_malformed`.
 */
export function readBody(bytes: Uint8Array, encoding: ContentEncoding): LogBody {
  if (bytes.length > MAX_BODY_BYTES) {
    throw new Refusal("body_too_large", `The body has more than ${MAX_BODY_BYTES} bytes.`);
  }
  return readEnvelope(parseJson(encoding === "gzip" ? gunzip(bytes) : bytes));
}

/**
 * Holds a body against whether its application collects a pseudonym, which comes with its binding.
 * @throws {Refusal} `body_malformed`.
 */
export function requirePseudonym({ pseudonym, binding }: LogBody, collectsPseudonym: boolean): void {
  if (collectsPseudonym && pseudonym === undefined) throw malformed("pseudonym is missing or not a text.");
  // Clients of before bound none: what they were answered then is looked up, as for every change of what is collected.
  if (collectsPseudonym && binding === undefined) throw malformed("binding is missing or not a text.");
  if (!collectsPseudonym && pseudonym !== undefined) {
    throw malformed("This application collects no pseudonym.");
  }
}

function malformed(message: string): Refusal {
  return new Refusal("body_malformed", message);
}

function gunzip(bytes: Uint8Array): Uint8Array {
  let unpacked: unknown;
  try {
    unpacked = gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES, info: true });
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
      throw new Refusal("body_too_large", `The body unpacks to more than ${MAX_BODY_BYTES} bytes.`);
    }
    throw malformed("The body is not valid gzip.");
  }
  // zlib passes over zeros behind the last member; exactly what was signed has to be the gzip file.
  const { buffer, engine } = unpacked as { buffer: Uint8Array; engine: { bytesWritten: number } };
  if (engine.bytesWritten !== bytes.length) throw malformed("The body has bytes behind its gzip.");
  return buffer;
}

function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed("The body is not valid UTF-8.");
  }
  try {
    return parseWellFormedJson(text);
  } catch {
    throw malformed("The body is not JSON.");
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readEnvelope(envelope: unknown): LogBody {
  if (!isObject(envelope)) throw malformed("The body is not a JSON object.");
  for (const name of Object.keys(envelope)) {
    if (!MEMBERS.has(name)) throw malformed("The body has an unknown member.");
  }
  requireBytes(envelope.salt, SALT_LENGTH, "salt");
  if (envelope.pad !== undefined && typeof envelope.pad !== "string") throw malformed("pad is not a text.");
  const events = readEvents(envelope.events);
  const { binding } = envelope;
  if (envelope.pseudonym === undefined) {
    if (binding !== undefined) throw malformed("binding stands without a pseudonym.");
    return { events };
  }
  const pseudonym = requireBytes(envelope.pseudonym, PSEUDONYM_LENGTH, "pseudonym");
  if (binding === undefined) return { pseudonym, events };
  return { pseudonym, binding: requireBytes(binding, NONCE_LENGTH, "binding"), events };
}

function requireBytes(value: unknown, length: number, name: string): string {
  if (typeof value !== "string") throw malformed(`${name} is missing or not a text.`);
  if (!isBase64url(value, length)) throw malformed(`${name} is not base64url of ${length} bytes.`);
  return value;
}

function readEvents(events: unknown): WireEvent[] {
  if (!Array.isArray(events) || events.length < 1 || events.length > MAX_EVENTS) {
    throw malformed(`events is not a list of 1 to ${MAX_EVENTS}.`);
  }
  for (const event of events) {
    if (!isObject(event) || typeof event.name !== "string" || !isObject(event.fields)) {
      throw malformed("An event lacks its name or its fields.");
    }
    if (event.at !== undefined && typeof event.at !== "string") {
      throw malformed("An event's at is not a text.");
    }
    for (const name of Object.keys(event)) {
      if (name !== "name" && name !== "at" && name !== "fields") {
        throw malformed("An event has an unknown member.");
      }
    }
  }
  return events as WireEvent[];
}
