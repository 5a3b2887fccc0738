/**
 * IP addresses as they stand in headers and on connections, and the networks around them.
 *
 * @module
 */

/** An address: eight groups of 16 bits. An IPv4 address stands in them as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2). */
export type Address = readonly number[];

/** A network: the addresses whose first `bits` bits are those of `address`. */
export interface Network {
  /** Its first address. */
  readonly address: Address;
  /** Of 128; an IPv4 network has 96 more than its prefix. */
  readonly bits: number;
}

const GROUPS = 8;
const GROUP_BITS = 16;
/** Bits before an IPv4 address. */
const MAPPED_BITS = 96;

/**
 * Parses an address, with what proxies write around one: brackets, a port, a zone. Gives undefined when it is none, such
 * as `unknown`.
 */
export function parseAddress(text: string): Address | undefined {
  const plain = parseIpv4(text);
  if (plain !== undefined) return plain;
  // A port says nothing: a client has as many as it likes.
  const [, inBrackets, beforePort] = /^(?:\[([^\]]*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(text) ?? [];
  const bare = (inBrackets ?? beforePort ?? text).replace(/%.*$/, "");
  return parseIpv4(bare) ?? parseIpv6(bare);
}

/** Whether an address is one of IPv4. */
export function isIpv4(address: Address): boolean {
  const [a, b, c, d, e, f] = address;
  return f === 0xffff && a === 0 && b === 0 && c === 0 && d === 0 && e === 0;
}

/** The network of `bits` of 128 around an address. */
export function networkAround(address: Address, bits: number): Network {
  if (bits === GROUPS * GROUP_BITS) return { address, bits };
  const first = address.map((group, index) => {
    const kept = Math.min(GROUP_BITS, Math.max(0, bits - index * GROUP_BITS));
    return group & (0xffff << (GROUP_BITS - kept)) & 0xffff;
  });
  return { address: first, bits };
}

/** Whether a network holds an address. */
export function holds({ address: first, bits }: Network, address: Address): boolean {
  return networkAround(address, bits).address.every((group, index) => group === first[index]);
}

/**
 * Parses a network such as `10.0.0.0/8`, `2001:db8::/32` or one address. Gives undefined when it is none, when bits behind
 * the prefix are set, which says that something else was meant, and when it holds everybody.
 */
export function parseNetwork(text: string): Network | undefined {
  const [, written = "", prefix] = /^([0-9a-f.:]+)(?:\/(0|[1-9][0-9]{0,2}))?$/i.exec(text) ?? [];
  const address = parseIpv4(written) ?? parseIpv6(written);
  if (address === undefined) return undefined;
  const before = written.includes(":") ? 0 : MAPPED_BITS;
  const bits = prefix === undefined ? GROUPS * GROUP_BITS : before + Number(prefix);
  const network = networkAround(address, bits);
  const isWhole = network.address.every((group, index) => group === address[index]);
  return prefix === "0" || bits > GROUPS * GROUP_BITS || !isWhole ? undefined : network;
}

const IPV4_TEXT = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

function parseIpv4(text: string): Address | undefined {
  const octets = IPV4_TEXT.exec(text);
  if (octets === null) return undefined;
  const [, a, b, c, d] = octets.map(Number) as [number, number, number, number, number];
  return Math.max(a, b, c, d) > 255 ? undefined : [0, 0, 0, 0, 0, 0xffff, a << 8 | b, c << 8 | d];
}

/** RFC 4291, section 2.2. */
function parseIpv6(address: string): Address | undefined {
  const text = address.replace(
    /:(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/,
    (_, ipv4) => `:${parseIpv4(ipv4)?.slice(6).map((group) => group.toString(16)).join(":") ?? "none"}`,
  );
  const halves = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  if (!text.includes(":") || halves.length > 2) return undefined;
  const [left = [], right] = halves;
  const missing = GROUPS - left.length - (right?.length ?? 0);
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right ?? []];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined;
}
