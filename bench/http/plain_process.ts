/**
 * The server without credentials (bench/http/plain_server.ts) as a process of its own.
 *
 * @module
 */
import { isReady } from "../../cli/cluster/service_process.ts";
import { freePort } from "../../tests/support/processes/free_ports.ts";

/** A running server without credentials. */
export interface PlainProcess {
  /** Where it listens. */
  readonly port: number;
  /** Its process. */
  readonly pid: number;
  /** Ends it. */
  readonly end: () => Promise<void>;
}

/** Starts it on a file in a folder, and waits until it answers. */
export async function startPlainServer(folder: string): Promise<PlainProcess> {
  const port = freePort();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      `--config=${new URL("../../tests/deno.json", import.meta.url).pathname}`,
      "--no-check",
      "--allow-all",
      new URL("plain_server.ts", import.meta.url).pathname,
      `${folder}/plain.sqlite3`,
      String(port),
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  while (!await isReady(`http://127.0.0.1:${port}`)) {
    if (ended) throw new Error("The server without credentials did not start");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    port,
    pid: child.pid,
    async end() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
