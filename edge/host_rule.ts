/**
 * Hosts and listeners of their own: where issuance and logging are kept apart, neither is found on the other's host, so
 * that no connection carries both; what is the operator's is found neither on the clients' host nor on their port.
 *
 * @module
 */
import { Refusal } from "../core/base/errors.ts";
import type { RouteKind } from "./strip.ts";

/** Which of two listeners a request came through: what faces clients, or what operators alone reach. */
export type Door = "public" | "operators";

/** Which host and which listener answer what; without one, any does. */
export interface HostRule {
  /** The only host that issues tokens. */
  readonly issueHost?: string | undefined;
  /** The only host that takes logs. */
  readonly logHost?: string | undefined;
  /** The only host that answers the operator. */
  readonly adminHost?: string | undefined;
  /** The listener; undefined: there is one for everything. */
  readonly door?: Door | undefined;
}

/** Kinds of routes that are the operator's. */
const OPERATORS: readonly string[] = ["admin", "metrics", "console"];
/** What both listeners answer: whatever watches them, and the description of the API, to which the console links. */
const EITHER_DOOR: readonly string[] = ["health", "openapi"];

/**
 * The names of this machine. A page of another site whose name has been led to this machine asks by that name (DNS
 * rebinding); what names no host is no browser.
 */
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** Makes the function that refuses a request to another host or listener than its kind's, with `route_unknown`. */
export function hostRule(
  { issueHost, logHost, adminHost, door }: HostRule,
): (kind: RouteKind, url: Pick<URL, "hostname">) => void {
  const hosts = new Map([
    ["tokens", issueHost],
    ["logs", logHost],
    ...OPERATORS.map((kind) => [kind, adminHost] as const),
  ]);
  return function checkHost({ name, loopback }, { hostname }) {
    const host = hosts.get(name);
    if (host !== undefined && host !== hostname || loopback && !LOOPBACK.test(hostname)) {
      throw new Refusal("route_unknown", "There is no such route on this host.");
    }
    if (door === undefined || EITHER_DOOR.includes(name)) return;
    if (OPERATORS.includes(name) !== (door === "operators")) {
      throw new Refusal("route_unknown", "There is no such route on this port.");
    }
  };
}
