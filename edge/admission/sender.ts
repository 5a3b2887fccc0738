/**
 * Whose request it is: the address of the connection, or the one that a trusted proxy saw. `X-Forwarded-For` is the only
 * header that is read; `Forwarded` (RFC 7239) is not, since a proxy that is told to set one of two can be made to pass the
 * other on.
 *
 * @module
 */
import { holds, type Network, parseAddress } from "./address.ts";

/** Which proxies are believed; none by default. */
export interface TrustedProxies {
  /** How many stand in front of the service: each adds one address to the right end of X-Forwarded-For. */
  readonly trustedHops?: number;
  /** The networks that they stand in. */
  readonly trustedProxies?: readonly Network[];
}

/** Why a header that names other addresses was not read. */
export type Ignored =
  /** No proxy is trusted. */
  | "nobody_trusted"
  /** The connection comes from none of the networks, or the header has fewer addresses than there are proxies. */
  | "not_through_proxies";

/** A request's sender. */
export interface ReadSender {
  /** The address; empty where the connection has none. */
  readonly address: string;
  /** Why the header was not read. */
  readonly ignored?: Ignored;
}

/** What proxies say addresses with; only the first is ever read. */
const FORWARDED_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip"];

/**
 * Reads who has sent a request. X-Forwarded-For is read from the right, since everything further left can be made up:
 *
 * - with a count, the address that the farthest of as many proxies saw;
 * - with networks, and only from a connection out of them, the first address that is in none of them;
 * - with both, what the count says, and only from a connection out of the networks.
 */
export function readSender(
  connection: string | undefined,
  headers: Headers,
  { trustedHops = 0, trustedProxies = [] }: TrustedProxies,
): ReadSender {
  const own = connection ?? "";
  if (trustedHops === 0 && trustedProxies.length === 0) {
    const names = FORWARDED_HEADERS.some((name) => headers.has(name));
    return names ? { address: own, ignored: "nobody_trusted" } : { address: own };
  }
  const forwardedFor = headers.get("x-forwarded-for");
  if (forwardedFor === null) return { address: own };
  const isProxy = (text: string) => {
    const address = parseAddress(text);
    return address !== undefined && trustedProxies.some((network) => holds(network, address));
  };
  const addresses = forwardedFor.split(",").map((address) => address.trim());
  const mayRead = trustedProxies.length === 0 || isProxy(own);
  const seen = !mayRead ? undefined : trustedHops > 0
    ? addresses.at(-trustedHops)
    // Proxies alone: the request was made by the farthest of them.
    : addresses.findLast((address) => !isProxy(address)) ?? addresses[0];
  return seen === undefined || seen === ""
    ? { address: own, ignored: "not_through_proxies" }
    : { address: seen };
}

const TELL_EVERY_MS = 3_600_000;

/** Makes a {@linkcode readSender} that tells `onIgnored` of each reason at most once an hour, without any address. */
export function senderReader(
  trusted: TrustedProxies,
  onIgnored: (why: Ignored) => void = () => {},
  now: () => number = () => performance.now(),
): (connection: string | undefined, headers: Headers) => string {
  const toldAt = new Map<Ignored, number>();
  return function readAddress(connection, headers) {
    const { address, ignored } = readSender(connection, headers, trusted);
    if (ignored !== undefined && now() - (toldAt.get(ignored) ?? -Infinity) >= TELL_EVERY_MS) {
      toldAt.set(ignored, now());
      onIgnored(ignored);
    }
    return address;
  };
}
