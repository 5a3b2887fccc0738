/**
 * Which proxies in front of the service are believed, as the environment says it.
 *
 * @module
 */
import { type Network, parseNetwork } from "../edge/admission/address.ts";
import type { TrustedProxies } from "../edge/admission/sender.ts";

/** Reads `DIT_TRUSTED_HOPS` and `DIT_TRUSTED_PROXIES`; mistakes are added to the list. */
export function readTrustedProxies(
  get: (name: string) => string | undefined,
  mistakes: string[],
): Required<TrustedProxies> {
  return {
    trustedHops: readHops(get("DIT_TRUSTED_HOPS"), mistakes),
    trustedProxies: readNetworks(get("DIT_TRUSTED_PROXIES"), mistakes),
  };
}

function readHops(value: string | undefined, mistakes: string[]): number {
  if (value === undefined) return 0;
  if (/^[0-9]$/.test(value)) return Number(value);
  mistakes.push("Set DIT_TRUSTED_HOPS to the number of proxies in front of the service, 0 to 9.");
  return 0;
}

function readNetworks(value: string | undefined, mistakes: string[]): readonly Network[] {
  if (value === undefined) return [];
  const networks: Network[] = [];
  for (const text of value.split(",").map((part) => part.trim())) {
    const network = parseNetwork(text);
    if (network === undefined) {
      mistakes.push(
        "Set DIT_TRUSTED_PROXIES to the proxies' networks, separated by commas, such as 10.0.0.0/8,2001:db8::/32; " +
          "no bit behind a prefix may be set.",
      );
      return [];
    }
    networks.push(network);
  }
  return networks;
}
