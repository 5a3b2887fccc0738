/**
 * Reads a request's body within bounds of size and time.
 *
 * @module
 */
import { concat } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import type { BodyWait } from "./body_wait.ts";

/** Milliseconds in which a whole body has to arrive. */
const BODY_DEADLINE_MS = 10_000;
/** Milliseconds after which a body is one that is waited for: most are there with their headers. */
const AT_ONCE_MS = 100;

/** How a body is bounded. */
export interface BodyBounds {
  /** Most bytes. */
  readonly maxBytes: number;
  /** Milliseconds in which it has to arrive; 10,000 by default, and fewer where many are waited for. */
  readonly deadlineMs?: number | undefined;
  /** What waiting for it takes. */
  readonly wait: BodyWait;
}

/** The bytes that a body announces, or `otherwise` where it announces nothing. */
export function bodyLength(headers: AnnouncesLength, otherwise: number): number {
  const length = Number(headers.get("content-length") ?? otherwise);
  return Number.isNaN(length) ? otherwise : length;
}

/**
 * Requires that a body does not announce more than `maxBytes`. {@linkcode readBoundedBody} does it as well.
 * @throws {Refusal} `body_too_large`.
 */
export function requireLength(headers: AnnouncesLength, maxBytes: number): void {
  if (bodyLength(headers, 0) > maxBytes) throw tooLarge(maxBytes);
}

/** What header fields say of a body's length. */
interface AnnouncesLength {
  get(name: "content-length"): string | null;
}

/**
 * Reads a whole body of at most `maxBytes`.
 * @throws {Refusal} `body_too_large`, as soon as it is known; `request_timeout`, also when it breaks off; `overloaded` when
 * there is no place to wait in.
 */
export async function readBoundedBody(
  { headers, body }: Pick<Request, "headers" | "body">,
  bounds: BodyBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  requireLength(headers, bounds.maxBytes);
  return await readBounded(body, bounds);
}

/**
 * The same of a body whose announced length somebody has looked at.
 * @throws {Refusal} As {@linkcode readBoundedBody}.
 */
export async function readBounded(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  { maxBytes, deadlineMs = BODY_DEADLINE_MS, wait }: BodyBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array();
  const { timers } = wait;
  const reader = body.getReader();
  let failure: unknown;
  let waits = false;
  const giveUp = (error: unknown) => {
    failure = error;
    // What is being read ends with it.
    reader.cancel().catch(() => {});
  };
  const atOnceMs = Math.min(AT_ONCE_MS, deadlineMs / 2);
  let deadline = timers.set(atOnceMs, function beginWait() {
    try {
      const leftMs = wait.begin(deadlineMs) - atOnceMs;
      waits = true;
      deadline = timers.set(leftMs, () => giveUp(lateBody()));
    } catch (error) {
      giveUp(error);
    }
  });
  try {
    const bytes = await readAll(reader, maxBytes);
    if (failure !== undefined) throw failure;
    return bytes;
  } catch (error) {
    if (failure !== undefined) throw failure;
    reader.cancel().catch(() => {});
    // A client that still hears this (the service may be ending) did nothing wrong, and keeps what it has to send.
    throw error instanceof Refusal
      ? error
      : new Refusal("request_timeout", "The body broke off; send it again.");
  } finally {
    timers.clear(deadline);
    if (waits) wait.end();
  }
}

/**
 * Reads a stream of at most `maxBytes`; nothing when there is none.
 * @throws {Refusal} `body_too_large`.
 */
export async function readBoundedBytes(
  stream: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  try {
    return await readAll(reader, maxBytes);
  } catch (error) {
    // Nobody reads the rest, which may have no end.
    reader.cancel().catch(() => {});
    throw error;
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(value);
  }
  const [first] = chunks;
  // Nearly every body comes in one piece, which is nobody else's.
  return chunks.length === 1 && first !== undefined ? first : concat(...chunks);
}

function lateBody(): Refusal {
  return new Refusal("request_timeout", "The body did not arrive in time; send it again.");
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal("body_too_large", `The body has more than ${maxBytes} bytes.`);
}
