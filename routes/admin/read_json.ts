/**
 * Bodies that operators send.
 *
 * @module
 */
import type { z } from "zod";
import { Refusal } from "../../core/base/errors.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";

const MAX_BODY_BYTES = 4_096;

/**
 * Reads a JSON body of a shape; no body at all is `undefined`, which the shape of an optional one takes.
 *
 * @param expected What to send instead, in a sentence.
 * @throws {Refusal} `body_malformed`, `body_too_large`, `request_timeout`.
 */
export async function readJson<T>(request: Request, shape: z.ZodType<T>, expected: string): Promise<T> {
  const bytes = await readBoundedBody(request, MAX_BODY_BYTES);
  const body = shape.safeParse(bytes.length === 0 ? undefined : parse(bytes));
  if (!body.success) throw new Refusal("body_malformed", expected);
  return body.data;
}

/** No shape takes `null`, so it stands for what is no JSON. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}
