/**
 * Who has shown a token before anything else is asked: an application server, and an operator. What they may do is for
 * the routes to say; here it decides how they are throttled.
 *
 * @module
 */
import type { Deployment } from "../core/config/types.ts";
import { isBearerOf } from "./auth/bearer.ts";

const ACS_PATH = /^\/acs\/v1\/apps\/([^/]+)\//;
/** Compared with where there is no token, so that the time tells no application from a made-up one. */
const NOBODY = new Uint8Array(32);

/** Makes the function that says whether a request to the ACS shows the service token of the application in its path. */
export function serviceReader(
  { applications }: Pick<Deployment, "applications">,
): (path: string, headers: Headers) => boolean {
  const digests = new Map<string, Uint8Array>();
  for (const [id, { serviceTokenSha256 }] of applications) {
    if (serviceTokenSha256 !== undefined) digests.set(id, Uint8Array.fromHex(serviceTokenSha256));
  }
  return function showsServiceToken(path, headers) {
    const digest = digests.get(ACS_PATH.exec(path)?.[1] ?? "");
    return isBearerOf(headers.get("authorization"), digest ?? NOBODY) && digest !== undefined;
  };
}
