/**
 * Servers beside the service, each as a process of its own on the core of what is measured.
 *
 * @module
 */
import { freePort } from "../../tests/support/processes/free_ports.ts";
import { onServerCore } from "./cores.ts";
import { takesConnections } from "../../tests/support/processes/takes_connections.ts";

/** A server that answers. */
export interface ServerProcess {
  /** Where it listens. */
  readonly port: number;
  /** Its process. */
  readonly pid: number;
  /** Ends it. */
  readonly end: () => Promise<void>;
}

/** What is started, given the port. */
export type CommandOf = (
  port: number,
) => { readonly command: readonly string[]; readonly env?: Record<string, string> };

/** Far longer than a start takes. */
const PATIENCE_MS = 60_000;

/** Starts a server and waits until it takes connections. */
export async function startServer(name: string, commandOf: CommandOf): Promise<ServerProcess> {
  const port = freePort();
  const { command, env = {} } = commandOf(port);
  const [program = "", ...args] = onServerCore(command);
  const child = new Deno.Command(program, { args, env: { NO_COLOR: "1", ...env }, stdout: "null" }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  for (const startedAt = performance.now(); !await takesConnections(port);) {
    if (ended || performance.now() - startedAt > PATIENCE_MS) throw new Error(`${name} did not start`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    port,
    pid: child.pid,
    async end() {
      if (!ended) child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** Starts a module of this folder's neighbours under Deno, with what the service's process has of it. */
export function startModule(name: string, module: URL, ...args: string[]): Promise<ServerProcess> {
  const config = new URL("../../tests/deno.json", import.meta.url).pathname;
  return startServer(name, (port) => ({
    command: [
      Deno.execPath(),
      "run",
      `--config=${config}`,
      "--no-check",
      "--allow-all",
      module.pathname,
      `${port}`,
      ...args,
    ],
  }));
}
