/** PgBouncer in transaction mode between the service and PostgreSQL: each transaction may have another connection. */
import { assertEquals, assertRejects } from "@std/assert";
import type { ClaimingEngine } from "../../core/store/claims.ts";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { openPostgres } from "../../core/store/postgres/open.ts";
import { testEngine } from "../conformance/store_engine.ts";
import { withDatabase } from "../support/postgres/databases.ts";
import { NO_POOLER, startPooler } from "../support/postgres/pooler.ts";

/** The URL of a database behind a pooler. */
function behind(url: string, port: number): string {
  return url.replace(/:\d+\//, `:${port}/`);
}

if (NO_POOLER === undefined) {
  testEngine({
    name: "PostgreSQL behind PgBouncer",
    withStore: (run) =>
      withDatabase(async (url, cluster) => {
        await using pooler = await startPooler(cluster);
        const engines: ClaimingEngine[] = [];
        try {
          await run(async () => {
            const engine = await openPostgres(`${behind(url, pooler.port)}?pooler=transaction`);
            engines.push(engine);
            return engine;
          });
        } finally {
          for (const engine of engines) engine.close();
        }
      }),
  });
}

Deno.test({
  name: "a pooler that DIT_KV does not tell of is found out at the start",
  ignore: NO_POOLER !== undefined,
  fn: () =>
    withDatabase(async (url, cluster) => {
      await using pooler = await startPooler(cluster);
      const error = await assertRejects(() => openPostgres(behind(url, pooler.port)), StoreOpenError);
      assertEquals([/add pooler=transaction to DIT_KV/.test(error.message), error.mayPass], [true, false]);
    }),
});
