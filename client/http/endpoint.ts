/**
 * What an endpoint is, and which endpoints another one stands for.
 *
 * @module
 */

/** Whether a host is this machine, which may be reached without TLS (RFC 6761, 6.3). */
function isLocal(hostname: string): boolean {
  return hostname === "127.0.0.1" || hostname === "[::1]" || /^(?:.+\.)?localhost$/.test(hostname);
}

/**
 * The endpoint without a slash at its end.
 * @throws {TypeError} If it is no https URL (http only on this machine), or carries more than a place.
 */
export function plainEndpoint(text: string): string {
  const { protocol, hostname, origin, pathname, href } = new URL(text);
  // More than origin and path would be a query, a fragment, or a name and password.
  if ((protocol !== "https:" && !(protocol === "http:" && isLocal(hostname))) || href !== origin + pathname) {
    throw new TypeError(
      "Cannot make a client: its endpoint has to be a plain https URL (http on this machine only)",
    );
  }
  return href.replace(/\/+$/, "");
}

/**
 * Whether a directory may lead from an endpoint to `named`, an origin: to the endpoint's own, or to the one fixed name below
 * its host. Whatever the service could choose here (a name, a port) would mark a client in every connection, and in DNS.
 */
export function leadsTo(named: string, endpoint: string, label: "tokens" | "logs"): boolean {
  const { protocol, host } = new URL(endpoint);
  return named === `${protocol}//${host}` || named === `${protocol}//${label}.${host}`;
}
