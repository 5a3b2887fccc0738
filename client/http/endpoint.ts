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
 * Whether an endpoint is at the host of another one or below it. Who has a host decides about the names below it, so that
 * nobody is trusted who was not before. Names beside it may be anybody's: whose is a list of public suffixes to know, of
 * hundreds of kilobytes, and never quite of today.
 */
export function isBelow(endpoint: string, other: string): boolean {
  const [host, root] = [new URL(endpoint).hostname, new URL(other).hostname];
  return host === root || host.endsWith(`.${root}`);
}
