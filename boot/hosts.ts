/**
 * Hosts of their own: which of them answer what, and what the directory tells clients of them.
 *
 * @module
 */
import type { Endpoints } from "../core/keys/directory.ts";
import type { Log } from "./log.ts";

/** What the environment says of hosts. */
export interface HostSettings {
  /** The only host that issues tokens. */
  readonly issueHost: string | undefined;
  /** The only host that takes logs. */
  readonly logHost: string | undefined;
  /** The only host that answers the operator. */
  readonly adminHost: string | undefined;
  /** Where clients find the first two. */
  readonly endpoints: Endpoints;
}

/** Reads the hosts. Adds a sentence to `mistakes` for each mistake. */
export function readHosts(
  get: (name: string) => string | undefined,
  development: boolean,
  mistakes: string[],
): HostSettings {
  const issuing = readHost(get, "DIT_ISSUE_HOST", mistakes);
  const logging = readHost(get, "DIT_LOG_HOST", mistakes);
  if (issuing !== undefined && issuing.hostname === logging?.hostname) {
    mistakes.push("Set DIT_ISSUE_HOST and DIT_LOG_HOST to two different hosts, or leave both out.");
  }
  const adminHost = get("DIT_ADMIN_HOST")?.toLowerCase();
  if (adminHost !== undefined && URL.parse(`https://${adminHost}`)?.hostname !== adminHost) {
    mistakes.push("Set DIT_ADMIN_HOST to a host name alone, such as console.example, or leave it out.");
  }
  // Nothing ends TLS in front of a service in development.
  const scheme = development ? "http" : "https";
  const endpointOf = (url: URL | undefined) => url && `${scheme}://${url.host}`;
  return {
    issueHost: issuing?.hostname,
    logHost: logging?.hostname,
    adminHost,
    endpoints: { issuing: endpointOf(issuing), logging: endpointOf(logging) },
  };
}

/**
 * Says so where no client of one endpoint goes to both hosts (docs/protocol.md, section 7). They are named all the same: it
 * then refuses the directory before it has signed in, and its app is told why.
 */
export function warnOfHosts(
  { endpoints: { issuing, logging } }: Pick<HostSettings, "endpoints">,
  log: Log,
): void {
  if (issuing === undefined || logging === undefined) return;
  const places = placesAbove(logging, "logs");
  if (placesAbove(issuing, "tokens").some((place) => places.includes(place))) return;
  log("warning", {
    message: "The hosts of DIT_ISSUE_HOST and DIT_LOG_HOST are not tokens. and logs. before one name: " +
      "make clients with { issueEndpoint, logEndpoint }, since those of one endpoint refuse these hosts.",
  });
}

/** The endpoints from which a directory may lead to this one. */
function placesAbove(endpoint: string, label: string): string[] {
  const above = endpoint.replace(`//${label}.`, "//");
  return [endpoint, above];
}

/** A host of clients as they reach it, with its port if that is not the usual one. */
function readHost(
  get: (name: string) => string | undefined,
  name: string,
  mistakes: string[],
): URL | undefined {
  const text = get(name)?.toLowerCase();
  if (text === undefined) return undefined;
  const url = URL.parse(`https://${text}`);
  if (url?.host === text) return url;
  mistakes.push(
    `Set ${name} to a host name such as tokens.example, with a port only if it is not 443, or leave it out.`,
  );
  return undefined;
}
