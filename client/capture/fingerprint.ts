/**
 * The place where an error was thrown, reduced until it says little.
 *
 * @module
 */

/** Most characters of a stack that are read, behind the message: the innermost function stands first. */
const MAX_STACK = 2_000;

/** Most characters of an error's name before its message. */
const MAX_NAME = 200;

/** Most fingerprints that there may be. */
const MAX_BUCKETS = 256;

/** A line of a stack in V8 (`at f (url:1:2)`) and in SpiderMonkey and JavaScriptCore (`f@url:1:2`). */
const FRAME = /^(?:\s*at .*|[^\n]*@.*)$/m;
/** File, line and column at the end of a frame, without folders, origin and query. */
const PLACE = /([^/\\?#\s(@]*)(?:[?#][^\s)]*?)?:(\d+):(\d+)\)?\s*$/;
const HEADER = /^(?:[^\n@]*: )?$/;
const EXTENSION = /\b[a-z-]*-extension:\/\//;

/** An error as it was heard of. */
export interface Heard {
  /** The name of its class, as it is logged. */
  readonly name: string;
  /** What was thrown. */
  readonly thrown: unknown;
  /** Where, as the platform says. */
  readonly at: Partial<ErrorEvent> | undefined;
}

/** The innermost frame of an error; its message, which could look like one, is passed over. */
function frameOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  const { stack, message } = thrown as Error;
  if (typeof stack !== "string") return undefined;
  // V8's stack has it first, behind the name; those of others have none.
  const found = typeof message === "string" ? stack.slice(0, MAX_NAME + message.length).indexOf(message) : -1;
  const start = found >= 0 && HEADER.test(stack.slice(0, found)) ? found + message.length : 0;
  return FRAME.exec(stack.slice(start, start + MAX_STACK))?.[0];
}

/** Whether code of the browser's extensions threw it: what somebody has installed is nobody's business. */
export function isForeign(thrown: unknown, at: Partial<ErrorEvent> | undefined): boolean {
  return EXTENSION.test(frameOf(thrown) ?? at?.filename ?? "");
}

/**
 * A number below `buckets` that is the same for an error of the same class at the same place of the same build.
 * @throws {RangeError} If `buckets` is not 2..256.
 */
export function fingerprintOf({ name, thrown, at }: Heard, buckets: number): number {
  if (!Number.isInteger(buckets) || buckets < 2 || buckets > MAX_BUCKETS) {
    throw new RangeError("Cannot take a fingerprint: buckets must be 2..256");
  }
  const frame = frameOf(thrown) ?? `${at?.filename}:${at?.lineno}:${at?.colno}`;
  const [, file = "", line = "", column = ""] = PLACE.exec(frame) ?? [];
  return fnv1a(`${name} ${file}:${line}:${column}`) % buckets;
}

/** FNV-1a in 32 bits (draft-eastlake-fnv), its high bits folded into the low ones, which alone are kept. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 16)) >>> 0;
}
