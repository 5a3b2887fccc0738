/**
 * Dishonest answers, as rows put them together.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import type { Answer, Asked, Tell } from "./table.ts";

const BOMB = new Uint8Array(gzipSync(new Uint8Array(64 * 1024 * 1024).fill(0x20)));

/** The honest answer with other headers: `undefined` leaves one out. */
export function headers(changes: Readonly<Record<string, string | undefined>>): Answer {
  return async ({ honest }) => withHeaders(await honest(), changes);
}

/** A copy of an answer with other headers. */
export function withHeaders(
  response: Response,
  changes: Readonly<Record<string, string | undefined>>,
): Response {
  const changed = new Response(response.body, response);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.headers.delete(name);
    else changed.headers.set(name, value);
  }
  return changed;
}

/** The honest answer with other bytes, and no validator. */
export function bytes(
  change: (body: Uint8Array<ArrayBuffer>, asked: Asked) => BodyInit,
): Answer {
  return async (asked) => {
    const response = await asked.honest();
    const changed = new Response(change(await response.bytes(), asked), response);
    changed.headers.delete("etag");
    changed.headers.delete("content-length");
    return changed;
  };
}

/** A document of a service, to be changed in place. */
// deno-lint-ignore no-explicit-any -- whatever a lie makes of it.
export type Document = Record<string, any>;

/** The honest document with other members, and no validator. */
export function document(change: (document: Document, asked: Asked) => unknown): Answer {
  return bytes((body, asked) => {
    const members = JSON.parse(new TextDecoder().decode(body));
    return JSON.stringify(change(members, asked) ?? members);
  });
}

/** The honest document as another text, and no validator. */
export function text(change: (text: string) => string): Answer {
  return bytes((body) => change(new TextDecoder().decode(body)));
}

/** A refusal with a code, in place of the service's work. */
export function problem(status: number, code: string, extra: Record<string, string> = {}): Answer {
  return () =>
    new Response(JSON.stringify({ type: "about:blank", status, code }), {
      status,
      headers: { "content-type": "application/problem+json", ...extra },
    });
}

/** Answers every step alike. */
export function everywhere(answer: Answer): Tell {
  return { keys: answer, schema: answer, tokens: answer, logs: answer };
}

/** Any answer in place of the service's work. */
export function instead(body: BodyInit | null, init: ResponseInit = {}): Answer {
  return () => new Response(body, init);
}

/** Any answer after the service did its work. */
export function afterwards(answer: () => Response): Answer {
  return async ({ honest }) => {
    await (await honest()).body?.cancel();
    return answer();
  };
}

/** A body without an end, after an honest answer's headers. */
export const endless: Answer = async ({ honest }) => {
  const response = await honest();
  await response.body?.cancel();
  const spaces = new Uint8Array(65_536).fill(0x20);
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(spaces) });
  return withHeaders(new Response(body, response), { etag: undefined, "content-length": undefined });
};

/** A body whose first byte comes, and no other. */
export const stalled: Answer = async ({ honest }) => {
  const response = await honest();
  await response.body?.cancel();
  const body = new ReadableStream({ start: (controller) => controller.enqueue(Uint8Array.of(0x20)) });
  return withHeaders(new Response(body, response), { etag: undefined, "content-length": undefined });
};

/** A body of many megabytes that is small on the wire. */
export const bomb: Answer = async ({ honest }) => {
  const response = await honest();
  await response.body?.cancel();
  return withHeaders(new Response(BOMB, response), {
    "content-encoding": "gzip",
    ...{ etag: undefined, "content-length": undefined },
  });
};
