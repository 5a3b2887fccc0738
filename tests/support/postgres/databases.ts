/**
 * Databases of PostgreSQL for the length of one test, on one server that the whole test process shares.
 *
 * @module
 */
import type { ClaimingEngine } from "../../../core/store/claims.ts";
import { openPostgres } from "../../../core/store/postgres/open.ts";
import { type Cluster, startCluster } from "./cluster.ts";

let shared: Promise<Cluster> | undefined;

/** Starts the server that the tests of this process share; it ends with the process. */
async function start(): Promise<Cluster> {
  const cluster = await startCluster();
  globalThis.addEventListener("unload", () => cluster.endNow());
  return cluster;
}

/** Runs a test with the URL of an empty database. */
export async function withDatabase(run: (url: string, cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await (shared ??= start());
  await run(await cluster.newDatabase(), cluster);
}

/** Runs a test with engines on one empty database. */
export async function withPostgres(
  run: (open: () => Promise<ClaimingEngine>, url: string, cluster: Cluster) => Promise<void>,
): Promise<void> {
  await withDatabase(async (url, cluster) => {
    const engines: ClaimingEngine[] = [];
    try {
      await run(
        async () => {
          const engine = await openPostgres(url);
          engines.push(engine);
          return engine;
        },
        url,
        cluster,
      );
    } finally {
      for (const engine of engines) engine.close();
    }
  });
}
