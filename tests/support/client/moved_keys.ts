/**
 * A directory for one client alone: the service's keys, said to be of another time.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url, utf8 } from "../../../core/base/bytes.ts";
import type { TestService } from "./client_service.ts";

const DAY_SECONDS = 86_400;

/** The answer with a `Date` that is so many days off, and with keys of epochs as far off. */
export async function withMovedKeys(test: TestService, response: Response, days: number): Promise<Response> {
  if (days === 0 || response.status !== 200) return response;
  const directory = await response.json();
  for (const key of directory["token-keys"]) {
    key.epoch += days;
    for (const time of ["not-before", "issue-until", "redeem-until"]) key[time] += days * DAY_SECONDS;
  }
  const text = JSON.stringify(directory);
  const { headers } = response;
  headers.set("date", new Date(test.clock.now + days * DAY_SECONDS * 1000).toUTCString());
  headers.set("etag", `"${toBase64url(sha256(utf8(text)))}"`);
  return new Response(text, { headers });
}
