/**
 * The stores that bench:ledger compares: a file, KV Connect, PostgreSQL, PostgreSQL that awaits a standby at every commit,
 * and PostgreSQL whose commits take their time.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { type Cluster, startCluster } from "../../tests/support/postgres/cluster.ts";
import { startStandby } from "../../tests/support/postgres/standby.ts";
import { startKvEndpoint } from "../../tests/support/store/kv_endpoint.ts";
import { clusterCpuMs } from "./cluster_cpu.ts";
import { SETTINGS } from "./postgres_settings.ts";

/** A commit takes at least this long: what a disk or a standby far away would take, in microseconds. */
const DELAY_US = 5_000;
const DELAYED = ["commit_siblings=0", `commit_delay=${DELAY_US}`];
/** Claims of one process at once. */
export const AT_ONCE = 512;
/** Of a process whose commits take their time: few enough that it waits for them, and the cores are not what limits. */
const AT_ONCE_DELAYED = 64;
const TOKEN = "token-of-the-bench";

/** A store that takes its turn. */
export interface Contender {
  readonly name: string;
  readonly location: string;
  /** Claims of one process at once. */
  readonly atOnce: number;
  /** Milliseconds of CPU of what is behind a connection; undefined: the engine is in the claiming process. */
  readonly cpuMs: (() => Promise<number>) | undefined;
  /** Bytes of all rows with their indexes. */
  readonly bytes: () => Promise<number>;
  /** How many processes claim at once: one after the other of these. */
  readonly counts: readonly number[];
}

async function fileBytes(path: string): Promise<number> {
  const sizes = await Promise.all(
    ["", "-wal"].map((suffix) => Deno.stat(path + suffix).then(({ size }) => size, () => 0)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Bytes of all tables of a database with their indexes. */
async function databaseBytes(cluster: Cluster, url: string): Promise<number> {
  const database = new URL(url).pathname.slice(1);
  await cluster.sql("vacuum analyze", database);
  const query = "select sum(pg_total_relation_size(c.oid)) from pg_class c " +
    "join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'dit' and c.relkind = 'r'";
  return Number((await cluster.sql(query, database)).trim());
}

/** Everything that is compared, and how it ends. */
export async function openContenders(folder: string, stack: AsyncDisposableStack): Promise<Contender[]> {
  Deno.env.set("DENO_KV_ACCESS_TOKEN", TOKEN);
  const path = `${folder}/endpoint.sqlite3`;
  const endpoint = stack.use(await startKvEndpoint({ path, token: TOKEN }));
  const alone = stack.use(await startCluster(SETTINGS));
  const primary = stack.use(await startCluster(SETTINGS));
  const standby = stack.use(await startStandby(primary));
  const delayed = stack.use(await startCluster([...SETTINGS, ...DELAYED]));
  const file = `${folder}/file.sqlite3`;
  const onPostgres = async (
    name: string,
    clusters: readonly Cluster[],
    atOnce = AT_ONCE,
  ): Promise<Contender> => {
    const [cluster] = clusters;
    if (cluster === undefined) throw new RangeError("There is no server");
    const location = await cluster.newDatabase();
    return {
      name,
      location,
      atOnce,
      counts: [1, 2, 3],
      cpuMs: async () => (await Promise.all(clusters.map(clusterCpuMs))).reduce((sum, ms) => sum + ms, 0),
      bytes: () => databaseBytes(cluster, location),
    };
  };
  return [
    {
      name: "a file",
      location: file,
      atOnce: AT_ONCE,
      cpuMs: undefined,
      bytes: () => fileBytes(file),
      counts: [1],
    },
    {
      name: "KV Connect",
      location: endpoint.url,
      atOnce: AT_ONCE,
      counts: [1, 2, 3],
      // The endpoint is in this process, which does nothing else meanwhile.
      cpuMs: () => {
        const { user, system } = cpuUsage();
        return Promise.resolve((user + system) / 1_000);
      },
      bytes: () => fileBytes(path),
    },
    await onPostgres("PostgreSQL", [alone]),
    await onPostgres("PostgreSQL, synchronous standby", [primary, standby]),
    await onPostgres(`PostgreSQL, a commit takes ${DELAY_US / 1_000} ms`, [delayed], AT_ONCE_DELAYED),
  ];
}
