/**
 * PgBouncer in transaction mode in front of a server of tests, from the machine's own package.
 *
 * @module
 */
import { atOurEnd } from "../processes/at_our_end.ts";
import { freePort } from "../processes/free_ports.ts";
import { takesConnections } from "../processes/takes_connections.ts";
import { until } from "../store/with_kv_endpoint.ts";
import { type Cluster, makeFolder } from "./cluster.ts";

const PROGRAM = "/usr/sbin/pgbouncer";

/** Why there is no PgBouncer here; undefined where there is. */
export const NO_POOLER: string | undefined = await Deno.stat(PROGRAM).then(
  () => undefined,
  () => "there is no PgBouncer on this machine (Debian: apt-get install pgbouncer)",
);

/** A pooler that runs. */
export interface Pooler extends AsyncDisposable {
  readonly port: number;
  /** Ends it with all its connections, and starts it again. */
  restart(): Promise<void>;
}

/** Starts a pooler with few connections to the server, so that clients change them all the time. */
export async function startPooler(cluster: Cluster, settings: readonly string[] = []): Promise<Pooler> {
  const folder = await makeFolder();
  const port = freePort();
  const file = `${folder}/pgbouncer.ini`;
  await Deno.writeTextFile(
    file,
    [
      "[databases]",
      `* = host=127.0.0.1 port=${cluster.port}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      `pidfile = ${folder}/pid`,
      "auth_type = any",
      "pool_mode = transaction",
      "default_pool_size = 4",
      "max_client_conn = 200",
      ...settings,
      "",
    ].join("\n").replace("* = host", "* = user=dit host"),
  );
  const asOthers = Deno.uid() === 0
    ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    : [];
  const [command = "", ...args] = [...asOthers, PROGRAM, "-q", file];
  // One that is interrupted or killed with its tests would go on for ever.
  await atOurEnd('[ -d "$1" ] && kill "$(cat "$1/pid")"; rm -rf "$1"', folder);
  const start = async () => {
    const child = new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    await until(() => takesConnections(port));
    return child;
  };
  let child = await start();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  return {
    port,
    async restart() {
      await stop();
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
