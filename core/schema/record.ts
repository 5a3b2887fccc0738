/**
 * What is kept of a log: one line of JSON with floored times. Nothing in it leads back to the token, the claim or the
 * moment of arrival. `v` is the version of this format: 2. Records of before have none, and no other member is missing.
 *
 * @module
 */
import { takeUtf8 } from "../base/byte_slab.ts";
import { concat, utf8 } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import { formatInstant } from "../base/time.ts";
import type { ValidEvent } from "./validate.ts";

/** Most bytes of a record: every store's value has room for it. */
export const MAX_RECORD_BYTES = 60 * 1024;

/** The version of the format. */
const RECORD_VERSION = 2;

/** How every record begins. */
const OPENING = utf8(`{"v":${RECORD_VERSION},`);
/** What follows in one of another period; every record has room for it, since the mark is known only when it is stored. */
const MARK = utf8('"otherPeriod":true,');

/** A record as it is exported. */
export interface LogRecord {
  /** The version of the format; absent in the first. */
  readonly v?: number;
  /** Base64url of 16 bytes; absent where the application collects none. */
  readonly pseudonym?: string | undefined;
  /**
   * True where the pseudonym is of another period than the day under which the record lies: the log was bound before the
   * turn and arrived after it. No release counts it, or one pseudonym would be paid for by the budgets of two periods.
   */
  readonly otherPeriod?: true;
  /** The events that were accepted, in canonical order. */
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
 * Encodes a record as one line of JSON without its line feed, as it is where the pseudonym is of the period of its day.
 * Its events are in the order of their JSON (name, time, fields): the order in which a client sent them could say what
 * nobody declared.
 * @throws {Refusal} `body_too_large` past 60 KiB.
 */
export function encodeRecord(
  pseudonym: string | undefined,
  events: readonly ValidEvent[],
): Uint8Array<ArrayBuffer> {
  const texts = events.map(({ name, at, fields }) =>
    JSON.stringify({ name, at: formatInstant(at), fields } satisfies LogRecord["events"][number])
  );
  const opening = JSON.stringify({ v: RECORD_VERSION, pseudonym } satisfies Partial<LogRecord>);
  const bytes = takeUtf8(`${opening.slice(0, -1)},"events":[${texts.sort().join()}]}`);
  if (bytes.length + MARK.length > MAX_RECORD_BYTES) {
    throw new Refusal("body_too_large", `The log takes more than ${MAX_RECORD_BYTES} bytes to store.`);
  }
  return bytes;
}

/** The same record as of a pseudonym of another period than its day's: see {@linkcode LogRecord.otherPeriod}. */
export function ofOtherPeriod(record: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(OPENING, MARK, record.subarray(OPENING.length));
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
