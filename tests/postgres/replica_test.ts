/** A standby that lags: what is exported comes from it, and nothing that decides does. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openReplica, openStore } from "../../boot/open_store.ts";
import { SEAL_PROOFS } from "../../core/keys/families.ts";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { assertAccepted, assertRefused } from "../support/http/assert_answers.ts";
import {
  fetchIssuingKey,
  fetchTokens,
  logBody,
  logsPath,
  type Send,
  signLog,
  type Token,
} from "../support/client/protocol_client.ts";
import { NO_POSTGRES, startCluster } from "../support/postgres/cluster.ts";
import { startStandby } from "../support/postgres/standby.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { demoConfig, Folders, runTask, signIn, startReady } from "../support/processes/service_process.ts";
import { setRow } from "../support/store/rows.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const sendTo = (url: string): Send => (path, init) => fetch(url + path, init);

function log(token: Token, use: number): RequestInit {
  return signLog(token, { use, body: logBody(token, { events: [{ name: "app_opened", fields: {} }] }) });
}

Deno.test({
  name: "exports read the replica of DIT_KV_READ, and whatever decides reads the store",
  ignore: NO_POSTGRES !== undefined,
  fn: () =>
    inOnePeriod(DAY_SECONDS, async () => {
      await using primary = await startCluster();
      const url = await primary.newDatabase();
      await using standby = await startStandby(primary);
      const reads = url.replace(`:${primary.port}/`, `:${standby.port}/`);
      await using folders = new Folders();
      const folder = await folders.make(demoConfig());
      const port = freePort();
      const env = { PORT: String(port), DIT_CONFIG: "config.js", DIT_KV: url };
      // The tables and the first proof of the sealing keys have to be there before a replica can be known by them.
      assertEquals((await (await startReady({ folder, port, env })).end("SIGTERM")).code, 0);
      const replayed = async () => {
        const lsn = (await primary.sql("select pg_current_wal_lsn()")).trim();
        await until(async () =>
          (await standby.sql(`select pg_last_wal_replay_lsn() >= '${lsn}'`)).trim() === "t"
        );
      };
      await replayed();
      await using service = await startReady({ folder, port, env: { ...env, DIT_KV_READ: reads } });
      assertEquals(service.events("warning"), []);
      const run = (task: "audit" | "logs" | "keys", ...args: string[]) =>
        runTask(task, `cli/${task}.ts`, args, folder, env);
      const day = new Date().toISOString().slice(0, 10);
      const exported = async () =>
        (await run("logs", "export", "--app", "demo", "--day", day)).stdout.trim().split("\n").length;
      const send = sendTo(service.url);
      const session = { jwt: await signIn(service.url, "alice"), nowSeconds: Date.now() / 1000, app: "demo" };
      const [token, other] = await fetchTokens(send, session, 2) as [Token, Token];
      await assertAccepted(await send(logsPath("demo"), log(token, 0)));
      await replayed();
      assertEquals(await exported(), 1);

      // From here on the replica stands still.
      await standby.sql("select pg_wal_replay_pause()");
      await until(async () =>
        (await standby.sql("select pg_get_wal_replay_pause_state()")).trim() === "paused"
      );
      const second = log(token, 1);
      await assertAccepted(await send(logsPath("demo"), second));
      await assertAccepted(await send(logsPath("demo"), log(other, 0)));
      assertEquals(await exported(), 1);
      await assertAccepted(await send(logsPath("demo"), second), 1, true);
      await assertRefused(await send(logsPath("demo"), log(token, 1)), 409, "use_taken");
      assertStringIncludes((await run("audit")).stdout, "Nothing is wrong: 3 claims, 3 records.");
      const { epoch } = await fetchIssuingKey(send, session.nowSeconds, "demo");
      const revoked = await run(
        "keys",
        ...["revoke", "--app", "demo", "--epoch", `${epoch}`, "--generation", "0", "--yes"],
      );
      assertEquals([revoked.code, revoked.stderr], [0, ""]);
      await assertRefused(await send(logsPath("demo"), log(token, 2)), 401, "key_expired");

      await standby.sql("select pg_wal_replay_resume()");
      await replayed();
      assertEquals(await exported(), 3);
    }),
});

Deno.test({
  name: "openReplica() takes a replica of this very store alone, in which nothing can be written",
  ignore: NO_POSTGRES !== undefined,
  async fn() {
    await using cluster = await startCluster();
    const [own, other, empty] = [
      await cluster.newDatabase(),
      await cluster.newDatabase(),
      await cluster.newDatabase(),
    ];
    const lines: string[] = [];
    const log = (_: string, members?: Record<string, unknown>) => void lines.push(String(members?.message));
    const [store, stranger] = [await openStore(own), await openStore(other)];
    try {
      await setRow(store, SEAL_PROOFS.key(), Uint8Array.of(1));
      await setRow(stranger, SEAL_PROOFS.key(), Uint8Array.of(2));
      for (const wrong of [other, empty]) {
        await assertRejects(() => openReplica(store, wrong, log), StoreOpenError, "replica");
      }
      await assertRejects(() => openReplica(store, "/tmp/file", log), StoreOpenError, "no replicas");
      // The primary itself: there are its rows, and no way to write them.
      const replica = await openReplica(store, own, log);
      if (replica === undefined) throw new Error("There is no replica.");
      assertEquals((await replica.get(SEAL_PROOFS.key())).value, Uint8Array.of(1));
      await assertRejects(() => setRow(replica, ["zz"], 1));
      replica.close();
      assertEquals(lines.filter((line) => !line.includes("undefined")), []);
      // One that is away holds up no start.
      const away = own.replace(`:${cluster.port}/`, `:${freePort()}/`);
      assertEquals(await openReplica(store, away, log), undefined);
      assertStringIncludes(lines.at(-1)!, "does not answer");
    } finally {
      store.close();
      stranger.close();
    }
  },
});
