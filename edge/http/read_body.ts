/**
 * Reads a request's body within bounds of size and time.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";

/** Milliseconds in which a whole body has to arrive. */
const BODY_DEADLINE_MS = 10_000;

/**
 * Reads a whole body of at most `maxBytes`.
 * @throws {Refusal} `body_too_large`, as soon as it is known; `request_timeout`, also when it breaks off.
 */
export async function readBoundedBody(
  request: Request,
  maxBytes: number,
  deadlineMs = BODY_DEADLINE_MS,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Refusal("request_timeout", "The body did not arrive in time; send it again.")),
      deadlineMs,
    );
  });
  try {
    return await Promise.race([readAll(reader, maxBytes), late]);
  } catch (error) {
    reader.cancel().catch(() => {});
    // A client that still hears this (the service may be ending) did nothing wrong, and keeps what it has to send.
    throw error instanceof Refusal
      ? error
      : new Refusal("request_timeout", "The body broke off; send it again.");
  } finally {
    clearTimeout(timer);
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
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(value);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal("body_too_large", `The body has more than ${maxBytes} bytes.`);
}
