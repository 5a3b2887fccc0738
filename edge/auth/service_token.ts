/**
 * Who may call the ACS for an application: a holder of its service token (docs/protocol.md, section 8).
 *
 * @module
 */
import { Refusal } from "../../core/base/errors.ts";
import type { Application } from "../../core/config/types.ts";
import { isBearerOf } from "./bearer.ts";

/**
 * The service of one application never reaches another's keys: each has its own token.
 * @throws {Refusal} `service_token_invalid`.
 */
export function requireServiceToken(app: Application, headers: Headers): void {
  const digest = app.serviceTokenSha256;
  if (digest === undefined || !isBearerOf(headers.get("authorization"), Uint8Array.fromHex(digest))) {
    throw new Refusal("service_token_invalid", "The service token is missing or not this application's.");
  }
}
