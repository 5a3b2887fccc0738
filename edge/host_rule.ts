/**
 * Hosts of their own: where issuance and logging are kept apart, neither is found on the other's host, so that no
 * connection carries both.
 *
 * @module
 */
import { Refusal } from "../core/base/errors.ts";
import type { RouteKind } from "./strip.ts";

/** Which host answers what; without one, any does. */
export interface HostRule {
  /** The only host that issues tokens. */
  readonly issueHost?: string | undefined;
  /** The only host that takes logs. */
  readonly logHost?: string | undefined;
  /** The only host that answers the operator. */
  readonly adminHost?: string | undefined;
}

/** Makes the function that refuses a request to another host than its kind's, with `route_unknown`. */
export function hostRule({ issueHost, logHost, adminHost }: HostRule): (kind: RouteKind, url: URL) => void {
  const hosts = new Map([
    ["tokens", issueHost],
    ["logs", logHost],
    ["admin", adminHost],
    ["metrics", adminHost],
    ["console", adminHost],
  ]);
  return function checkHost(kind, url) {
    const host = hosts.get(kind.name);
    if (host !== undefined && host !== url.hostname) {
      throw new Refusal("route_unknown", "There is no such route on this host.");
    }
  };
}
