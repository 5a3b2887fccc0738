/**
 * How many processes of the service answer on its port.
 *
 * @module
 */
import { LaunchError } from "../launch_error.ts";
import { SHARED_STORES } from "../engines.ts";
import { isSharedStore } from "../open_store.ts";
import type { Settings } from "../settings.ts";

/** No machine has more cores, and each process holds connections to the store. */
const MAX_PROCESSES = 64;

/** What decides it besides the settings. */
interface Machine {
  readonly os: string;
  readonly cores: number;
}

const OWN: Machine = { os: Deno.build.os, cores: navigator.hardwareConcurrency };

/**
 * How many there are to be: what was `asked` for, else one for each core where the store may be shared, else one. `warn`
 * hears where this system has one port for one process only.
 * @throws {LaunchError} If so many are not possible.
 */
export function countProcesses(
  asked: string | undefined,
  { kv, port, operatorsListener }: Pick<Settings, "kv" | "port" | "operatorsListener">,
  warn: (sentence: string) => void,
  { os, cores }: Machine = OWN,
): number {
  if (asked !== undefined && !(/^[1-9][0-9]?$/.test(asked) && Number(asked) <= MAX_PROCESSES)) {
    throw new LaunchError(`Give --processes a number from 1 to ${MAX_PROCESSES}.`);
  }
  const wanted = asked === undefined ? undefined : Number(asked);
  if (wanted === 1) return 1;
  if (!isSharedStore(kv)) {
    if (wanted === undefined) return 1;
    throw new LaunchError(
      `Several processes need a store that they can share: set DIT_KV to ${SHARED_STORES}, or leave --processes out.`,
    );
  }
  // Each process would get another one.
  if (port === 0 || operatorsListener?.port === 0) {
    if (wanted === undefined) return 1;
    throw new LaunchError(
      "Several processes listen on one port: set PORT and DIT_ADMIN_PORT to other numbers than 0, or leave --processes out.",
    );
  }
  // Elsewhere the option is there, and the last process gets all connections.
  if (os !== "linux") {
    if (wanted !== undefined) {
      warn("This system does not share the connections of a port out among processes: one process starts.");
    }
    return 1;
  }
  return wanted ?? Math.min(Math.max(cores, 1), MAX_PROCESSES);
}
