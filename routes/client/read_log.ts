/**
 * Reads a log off its request: what is covered by the MAC, and the MAC. Nothing of it is verified here.
 *
 * @module
 */
import type { SentLog } from "../../core/acs/accept_log.ts";
import { DecodeError } from "../../core/base/bytes.ts";
import { Refusal } from "../../core/base/errors.ts";
import { type Credential, parseCredential } from "../../core/token/credential.ts";
import { SEND_LOG } from "../../edge/operations/client.ts";
import { requireLength } from "../../edge/http/read_body.ts";
import type { LogField, LogMessage } from "../../edge/log_message.ts";
import { requireMediaType } from "../../edge/read_request.ts";

/** What becomes of a log before its body is there. */
export interface ReadLogOptions {
  /** Milliseconds in which the body has to arrive. */
  readonly deadlineMs?: number | undefined;
  /** Refuses what no body could save. */
  readonly expect: (credential: Credential) => Promise<void> | undefined;
}

/**
 * Reads a log in the order of work of docs/protocol.md, section 5: nobody waits for the body of one that is refused anyway.
 * @throws {Refusal} `media_type`, `credential_missing`, `credential_malformed`, `body_too_large`, what `expect` throws,
 * `request_timeout`, `overloaded`.
 */
export async function readLog(
  { fields, readBody }: LogMessage,
  { deadlineMs, expect }: ReadLogOptions,
): Promise<Pick<SentLog, "contentEncoding" | "credential" | "body">> {
  const headers = { get: (name: LogField) => fields[name] };
  const contentEncoding = requireMediaType(headers, SEND_LOG);
  const credential = requireCredential(fields.authorization);
  const { maxBytes } = SEND_LOG.takes;
  requireLength(headers, maxBytes);
  await expect(credential);
  return { contentEncoding, credential, body: await readBody({ maxBytes, deadlineMs }) };
}

function requireCredential(header: string | null): Credential {
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
