/**
 * Where URLs lead, in the words of Deno's permission to reach the network.
 *
 * @module
 */

/** `host:port` of the server of a URL. */
export function hostOfUrl(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port !== "" ? port : protocol === "http:" ? 80 : 443}`;
}
