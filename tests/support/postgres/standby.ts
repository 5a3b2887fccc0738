/**
 * A standby beside a server of tests, and what happens to the two of them.
 *
 * @module
 */
import { until } from "../store/with_kv_endpoint.ts";
import { type Cluster, makeFolder, run, startIn } from "./cluster.ts";

const NAME = "standby_of_tests";

/** A standby that runs. */
export interface Standby extends Cluster {
  /** Makes it take writes. */
  promote(): Promise<void>;
}

/** Copies a server and starts the copy as its standby, which the server from now on awaits at every commit. */
export async function startStandby(primary: Cluster): Promise<Standby> {
  const folder = await makeFolder();
  const from = `host=127.0.0.1 port=${primary.port} user=dit application_name=${NAME}`;
  await run(
    "pg_basebackup",
    "-d",
    from,
    "-D",
    `${folder}/data`,
    "-R",
    "-X",
    "stream",
    "-c",
    "fast",
    "--no-sync",
  );
  const standby = await startIn(folder);
  await primary.sql(`alter system set synchronous_standby_names = '${NAME}'`);
  await primary.sql("select pg_reload_conf()");
  const state = "select sync_state from pg_stat_replication";
  await until(async () => (await primary.sql(state)).trim() === "sync");
  return {
    ...standby,
    promote: async () => void await run("pg_ctl", "-D", `${folder}/data`, "-w", "promote"),
  };
}

/** The URL of one database on several servers. */
export function urlOf(database: string, ...clusters: readonly Cluster[]): string {
  const hosts = clusters.map(({ port }) => `127.0.0.1:${port}`).join(",");
  return `postgres://dit@${hosts}${new URL(database).pathname}?target_session_attrs=read-write`;
}

/** Kills a server's processes at once, as a machine that fails: nothing is written down, nobody is told. */
export async function killCluster(cluster: Cluster): Promise<void> {
  // The process that accepts connections first: it would start the others anew.
  const pids = [await cluster.pid(), ...await backends(cluster)];
  for (const pid of pids) signal(pid, "SIGKILL");
}

/** Stops all of a server's processes, or lets them go on: the kernel still takes connections, and nobody answers. */
export async function signalCluster(cluster: Cluster, name: "SIGSTOP" | "SIGCONT"): Promise<void> {
  for (const pid of [await cluster.pid(), ...await backends(cluster)]) signal(pid, name);
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch {
    // It has just ended.
  }
}

/** The processes that a server has started. */
async function backends(cluster: Cluster): Promise<number[]> {
  const parent = await cluster.pid();
  const { stdout } = await new Deno.Command("pgrep", { args: ["-P", `${parent}`], stdout: "piped" }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
}
