/**
 * What a request asks for, before anything believes it. The runtime puts `request.url` together from the Host field and
 * the target as they came: a Host with a path, a user or a fragment in it would choose the route, an absolute target the
 * host. Only what reads the same to every reader goes on.
 *
 * @module
 */
import { Refusal } from "../core/base/errors.ts";

/** A URL as the runtime writes it: scheme, authority, and a target that begins with a slash. */
const AS_IT_CAME = /^https?:\/\/([^/?#\\]*)(\/[^]*)$/i;
/**
 * A bare authority, `host[:port]` (RFC 9110, 7.2; RFC 3986, 3.2.2): a name, an IPv4 address, or an IPv6 address in
 * brackets. Of the names that the grammar allows, those with percent signs and sub-delimiters are nobody's.
 */
const AUTHORITY = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;

/**
 * Reads where a request goes. Its path has one spelling alone: no percent sign, no backslash, no empty part and no dots
 * that lead elsewhere, since what compares paths before the router would see another one than the router does.
 *
 * @throws {Refusal} `target_malformed` unless host and target are what they seem, `route_unknown` for another spelling.
 */
export function readTarget(request: Request): URL {
  const [, authority = "", target = ""] = AS_IT_CAME.exec(request.url) ?? [];
  // A Host field that differs is an absolute target, or HTTP/2's two names for one host. HTTP/2 needs no Host field.
  const host = request.headers.get("host") ?? authority;
  if (!AUTHORITY.test(authority) || host.toLowerCase() !== authority.toLowerCase()) {
    throw malformed("The Host field has to be the host alone, and the same as the target's.");
  }
  const url = URL.parse(request.url);
  if (url === null) throw malformed("There is no such host.");
  if (target.includes("#")) throw malformed("A target has no fragment.");
  const [path] = target.split("?", 1);
  if (path !== url.pathname || /[%\\]|\/\//.test(path)) {
    throw new Refusal("route_unknown", "There is no such route.");
  }
  return url;
}

function malformed(detail: string): Refusal {
  return new Refusal("target_malformed", detail);
}
