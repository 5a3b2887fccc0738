/**
 * Reads a batch of blinded elements, as clients and other servers send it.
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";
import type { Application } from "../../core/config/types.ts";
import { BATCH_REQUEST_TYPE, maxRequestLength } from "../../core/token/batch.ts";
import { readBoundedBody } from "./read_body.ts";

/**
 * Refuses what is not a batch by its own account.
 * @throws {Refusal} `media_type`.
 */
export function requireBatchType(headers: Headers): void {
  if (headers.get("content-type")?.toLowerCase() !== BATCH_REQUEST_TYPE || headers.has("content-encoding")) {
    throw new Refusal("media_type", `The content type is not ${BATCH_REQUEST_TYPE}, unencoded.`);
  }
}

/**
 * Reads the bytes of a batch for an application, which the core decodes.
 * @throws {Refusal} `body_too_large`, `request_timeout`.
 */
export function readBatch(
  request: Request,
  { maxBatch }: Application,
  deadlineMs?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return readBoundedBody(request, maxRequestLength(maxBatch), deadlineMs);
}
