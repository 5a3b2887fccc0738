/**
 * Where operators are answered, as the environment says it: one rule for the service, and for the commands that look for
 * it.
 *
 * @module
 */

import { isIP } from "node:net";

/** Where to listen. */
export interface ListenAddress {
  /** The port. */
  readonly port: number;
  /** The address of the interface. */
  readonly host: string;
}

/**
 * Reads `DIT_ADMIN_PORT` and `DIT_ADMIN_ADDRESS`; mistakes are added to the list. Unless told otherwise only this machine
 * reaches what is the operator's, wherever the clients' port is open to.
 */
export function readOperatorsListener(
  get: (name: string) => string | undefined,
  onPlatform: boolean,
  mistakes: string[],
): ListenAddress | undefined {
  const value = get("DIT_ADMIN_PORT");
  const host = get("DIT_ADMIN_ADDRESS");
  if (value === undefined) {
    if (host !== undefined) mistakes.push("Set DIT_ADMIN_PORT beside DIT_ADMIN_ADDRESS, or leave both out.");
    return undefined;
  }
  if (onPlatform) {
    mistakes.push("Leave DIT_ADMIN_PORT out: this platform gives a service one port. Set DIT_ADMIN_HOST.");
  }
  const port = readPort("DIT_ADMIN_PORT", value, mistakes);
  if (port !== 0 && port === Number(get("PORT") ?? DEFAULT_PORT)) {
    mistakes.push("Set DIT_ADMIN_PORT to another port than PORT, or leave it out.");
  }
  if (host !== undefined && isIP(host) === 0) {
    mistakes.push(
      "Set DIT_ADMIN_ADDRESS to the IP address of an interface, such as 127.0.0.1, 0.0.0.0 or ::1.",
    );
  }
  return { port, host: host ?? "127.0.0.1" };
}

/** Where the clients' listener is when nobody says so. */
export const DEFAULT_PORT = 8_000;

/** Reads a port; a mistake is added to the list. */
export function readPort(name: string, value: string, mistakes: string[]): number {
  const port = Number(value);
  if (/^[0-9]{1,5}$/.test(value) && port <= 65_535) return port;
  mistakes.push(`Set ${name} to a number from 0 to 65535.`);
  return 0;
}

/** The URL at which this machine reaches a listener of its own. */
export function urlOf({ host, port }: ListenAddress): string {
  // Those that stand for all interfaces are not to be connected to everywhere.
  const reached = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]).get(host) ?? host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}`;
}
