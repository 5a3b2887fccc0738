/**
 * Reads a log off its request: what is covered by the MAC, and the MAC. Nothing of it is verified here.
 *
 * @module
 */
import type { SentLog } from "../../core/acs/accept_log.ts";
import { DecodeError } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import { MAX_BODY_BYTES } from "../../core/schema/body.ts";
import { type Credential, parseCredential } from "../../core/token/credential.ts";
import type { ContentEncoding } from "../../core/token/mac.ts";
import { readBoundedBody } from "../../edge/http/read_body.ts";

/**
 * Reads a log; its body has to arrive within `deadlineMs`.
 * @throws {Refusal} `media_type`, `credential_missing`, `credential_malformed`, `body_too_large`, `request_timeout`.
 */
export async function readLog(
  request: Request,
  deadlineMs?: number,
): Promise<Pick<SentLog, "contentEncoding" | "credential" | "body">> {
  const contentEncoding = requireMediaType(request.headers);
  const credential = requireCredential(request.headers);
  const body = await readBoundedBody(request, MAX_BODY_BYTES, deadlineMs);
  return { contentEncoding, credential, body };
}

function requireMediaType(headers: Headers): ContentEncoding {
  if (headers.get("content-type")?.toLowerCase() !== "application/json") {
    throw new Refusal("media_type", "The content type is not application/json without parameters.");
  }
  const encoding = headers.get("content-encoding")?.toLowerCase() ?? "";
  if (encoding !== "" && encoding !== "gzip") {
    throw new Refusal("media_type", "The content encoding is neither absent nor gzip.");
  }
  return encoding;
}

function requireCredential(headers: Headers): Credential {
  const header = headers.get("authorization");
  if (header === null) {
    throw new Refusal("credential_missing", "There is no Authorization header of the DIT scheme.");
  }
  try {
    return parseCredential(header);
  } catch (error) {
    if (error instanceof DecodeError) throw new Refusal("credential_malformed", `${error.message}.`);
    throw error;
  }
}
