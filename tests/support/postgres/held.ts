/**
 * Calls of an engine within a transaction that stays open until a test ends it, so that another one meets it halfway.
 *
 * @module
 */
import type { ClaimingEngine } from "../../../core/store/claims.ts";
import { PostgresEngine } from "../../../core/store/postgres/engine.ts";
import { type Isolation, Pool, type Query, type Session } from "../../../core/store/postgres/pool.ts";
import { until } from "../store/with_kv_endpoint.ts";
import type { Cluster } from "./cluster.ts";

/** A transaction that is open. */
export interface Held<T> {
  /** What the calls gave. */
  readonly result: T;
  /** Rejects if it was overtaken. */
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

class RolledBack extends Error {}

/** Makes calls in one transaction, and leaves it open. */
export async function hold<T>(
  url: string,
  isolation: Isolation,
  work: (engine: ClaimingEngine, query: Query) => Promise<T>,
): Promise<Held<T>> {
  const pool = new Pool(url);
  const made = Promise.withResolvers<T>();
  const end = Promise.withResolvers<"commit" | "rollback">();
  const done = pool.transaction(isolation, async (query) => {
    const session: Session = { query, transaction: (_, run) => run(query) };
    made.resolve(
      await work(new PostgresEngine(Object.assign(session, { close() {} }) as unknown as Pool), query),
    );
    if (await end.promise === "rollback") throw new RolledBack();
  }).finally(() => pool.close());
  done.catch(made.reject);
  return {
    result: await made.promise,
    async commit() {
      end.resolve("commit");
      await done;
    },
    async rollback() {
      end.resolve("rollback");
      await done.catch((error) => {
        if (!(error instanceof RolledBack)) throw error;
      });
    },
  };
}

/** Waits until so many statements of a database wait for others. */
export async function untilWaiting(cluster: Cluster, url: string, count: number): Promise<void> {
  const database = new URL(url).pathname.slice(1);
  const waiting = "select count(*) from pg_stat_activity " +
    `where wait_event_type = 'Lock' and datname = '${database}'`;
  await until(async () => Number(await cluster.sql(waiting)) === count);
}
