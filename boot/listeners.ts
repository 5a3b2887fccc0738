/**
 * The sockets of a process: one for everybody, or one that faces clients and one for operators.
 *
 * @module
 */
import type { EdgeHandler } from "../edge/deidentify.ts";
import type { Fault } from "./faults.ts";
import { Listener } from "./listener.ts";
import type { Log } from "./log.ts";
import type { ListenAddress } from "./operators_listener.ts";
import type { Settings } from "./settings.ts";

/** Nobody can listen there; the message is one sentence for a person. */
export class ListenError extends Error {
  override readonly name = "ListenError";

  /** `mayPass` says whether somebody could listen there later though nobody has changed a setting. */
  constructor(message: string, readonly mayPass: boolean = false) {
    super(message);
  }
}

/** What the sockets are for. */
export interface ListenOptions {
  /** Where to listen. */
  readonly settings: Pick<Settings, "host" | "port" | "operatorsListener">;
  /** Whether other processes of this service listen there as well; `first`: not yet, and nobody else may. */
  readonly shared?: "first" | "later" | undefined;
  /** Answers what comes through the socket that faces clients. */
  readonly handle: EdgeHandler;
  /** Answers operators, where they have a socket of their own. */
  readonly handleOperators: EdgeHandler | undefined;
  /** Writes a line. */
  readonly log: Log;
  /** Hears that a socket has ended. */
  readonly onFault: (fault: Fault) => void;
}

/** Open sockets. */
export interface Listening {
  /** Where clients are answered. */
  readonly address: Deno.NetAddr;
  /** Where operators are, if not there too. */
  readonly operators: Deno.NetAddr | undefined;
  /** Takes no more connections, and lets all requests that are under way finish. */
  shutdown(): Promise<void>;
}

/**
 * Opens them.
 * @throws {ListenError} If an address or a port cannot be had.
 */
export function listen(options: ListenOptions): Listening {
  const { settings: { host, port, operatorsListener }, handle, handleOperators } = options;
  const everybody = open(options, { host, port }, handle, "PORT");
  const operators = operatorsListener && handleOperators &&
    open(options, operatorsListener, handleOperators, "DIT_ADMIN_PORT");
  const listeners = operators === undefined ? [everybody] : [everybody, operators];
  return {
    address: everybody.address,
    operators: operators?.address,
    shutdown: async () => void await Promise.all(listeners.map((listener) => listener.shutdown())),
  };
}

function open(
  { log, onFault, shared }: ListenOptions,
  { host, port }: ListenAddress,
  handle: EdgeHandler,
  variable: "PORT" | "DIT_ADMIN_PORT",
): Listener {
  const [what, where] = variable === "PORT" ? ["clients", "HOST"] : ["operators", "DIT_ADMIN_ADDRESS"];
  try {
    // Sockets that are shared keep no other service of this user out: one that is not finds out whether anybody listens.
    if (shared === "first") Deno.listen({ port, hostname: host }).close();
    return new Listener({
      port,
      hostname: host,
      isShared: shared !== undefined,
      handle,
      onTrouble(trouble) {
        if (trouble.kind === "over") {
          return log("listener_recovered", { of: what, failures: trouble.failures });
        }
        log("listener_failed", { of: what, ...trouble.fault });
        onFault(trouble.fault);
      },
    });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new ListenError(`The port is in use: stop what listens there, or set ${variable}.`, true);
    }
    if (error instanceof Deno.errors.AddrNotAvailable) {
      throw new ListenError(`This machine has no such address: set ${where} to one of its interfaces.`, true);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new ListenError(`The system keeps this port to itself: set ${variable} to one above 1023.`);
    }
    // The name of a host that nobody knows, a number that is no address, an address that is one on some link only.
    if (/lookup address|os error 22|Invalid argument/i.test(`${error}`)) {
      throw new ListenError(
        `Nobody can listen there: set ${where} to the address of an interface of this machine.`,
      );
    }
    throw error;
  }
}
