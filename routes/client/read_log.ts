/**
 * Reads a log off its request: what is covered by the MAC, and the MAC. Nothing of it is verified here.
 *
 * @module
 */
import type { Context } from "hono";
import type { SentLog } from "../../core/acs/accept_log.ts";
import { DecodeError } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import { type Credential, parseCredential } from "../../core/token/credential.ts";
import { SEND_LOG } from "../../edge/operations/client.ts";
import { readRequest, requireMediaType } from "../../edge/read_request.ts";

/**
 * Reads a log; its body has to arrive within `deadlineMs`.
 * @throws {Refusal} `media_type`, `credential_missing`, `credential_malformed`, `body_too_large`, `request_timeout`.
 */
export async function readLog(
  c: Context,
  deadlineMs?: number,
): Promise<Pick<SentLog, "contentEncoding" | "credential" | "body">> {
  const { headers } = c.req.raw;
  const contentEncoding = requireMediaType(headers, SEND_LOG);
  const credential = requireCredential(headers);
  const { body } = await readRequest(c, SEND_LOG, { deadlineMs });
  return { contentEncoding, credential, body };
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
