/**
 * Hosts of their own: which of them answer what, and what the directory tells clients of them.
 *
 * @module
 */
import type { Endpoints } from "../core/keys/directory.ts";

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
