/**
 * What is kept of a log: one line of JSON with floored times. Nothing in it leads back to the token, the claim or the
 * moment of arrival.
 *
 * @module
 */
import { utf8 } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import { formatInstant } from "../base/time.ts";
import type { ValidEvent } from "./validate.ts";

/** Most bytes of a record: every store's value has room for it. */
export const MAX_RECORD_BYTES = 60 * 1024;

/** A record as it is exported. */
export interface LogRecord {
  /** Base64url of 16 bytes; absent where the application collects none. */
  readonly pseudonym?: string;
  /** The events that were accepted. */
  readonly events: readonly {
    /** The event's name. */
    readonly name: string;
    /** RFC 3339, floored to the record granularity. */
    readonly at: string;
    /** The fields by name. */
    readonly fields: Readonly<Record<string, unknown>>;
  }[];
}

/**
 * Encodes a record as one line of JSON without its line feed.
 * @throws {Refusal} `body_too_large` past 60 KiB.
 */
export function encodeRecord(
  pseudonym: string | undefined,
  events: readonly ValidEvent[],
): Uint8Array<ArrayBuffer> {
  const record: LogRecord = {
    ...(pseudonym === undefined ? {} : { pseudonym }),
    events: events.map(({ name, at, fields }) => ({ name, at: formatInstant(at), fields })),
  };
  const bytes = utf8(JSON.stringify(record));
  if (bytes.length > MAX_RECORD_BYTES) {
    throw new Refusal("body_too_large", `The log takes more than ${MAX_RECORD_BYTES} bytes to store.`);
  }
  return bytes;
}

/** Reads a record back. */
export function decodeRecord(line: Uint8Array): LogRecord {
  return JSON.parse(decoder.decode(line));
}

const decoder = new TextDecoder();

/** A record's line without the events of these names; undefined where none is left. */
export function withoutEvents(line: Uint8Array, names: ReadonlySet<string>): Uint8Array | undefined {
  const record = decodeRecord(line);
  const events = record.events.filter(({ name }) => !names.has(name));
  if (events.length === record.events.length) return line;
  return events.length === 0 ? undefined : utf8(JSON.stringify({ ...record, events }));
}
