/** A standby that lags: what is exported comes from it, and nothing that decides does. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openReplica, openStore } from "../../boot/open_store.ts";
import { CONFIRMED_TIMES } from "../../core/clock/families.ts";
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
import { killCluster, signalCluster, startStandby } from "../support/postgres/standby.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { demoConfig, Folders, runTask, signIn, startReady } from "../support/processes/service_process.ts";
import { statementsOf } from "../support/postgres/statements_of.ts";
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

Deno.test({
  name:
    "a replica that hangs, dies or was promoted fails what is read there alone, with a role that may read and no more",
  ignore: NO_POSTGRES !== undefined,
  fn: () =>
    inOnePeriod(DAY_SECONDS, async () => {
      await using primary = await startCluster();
      const url = await primary.newDatabase();
      await using standby = await startStandby(primary);
      // Whether commits wait for it is another matter.
      await primary.sql("alter system reset synchronous_standby_names");
      await primary.sql("select pg_reload_conf()");
      await using folders = new Folders();
      const folder = await folders.make(demoConfig());
      const port = freePort();
      const env = { PORT: String(port), DIT_CONFIG: "config.js", DIT_KV: url };
      assertEquals((await (await startReady({ folder, port, env })).end("SIGTERM")).code, 0);
      const database = new URL(url).pathname.slice(1);
      for (const grant of await statementsOf("Replicas")) await primary.sql(grant, database);
      const lsn = (await primary.sql("select pg_current_wal_lsn()")).trim();
      await until(async () =>
        (await standby.sql(`select pg_last_wal_replay_lsn() >= '${lsn}'`)).trim() === "t"
      );
      const reads = url.replace(`:${primary.port}/`, `:${standby.port}/`).replace("dit@", "dit_reader@");
      const withReplica = { folder, port, env: { ...env, DIT_KV_READ: reads } };
      let service = await startReady(withReplica);
      assertEquals(service.events("warning"), []);
      const send = sendTo(service.url);
      const session = { jwt: await signIn(service.url, "alice"), nowSeconds: Date.now() / 1000, app: "demo" };
      const [token] = await fetchTokens(send, session, 1) as [Token];
      const day = new Date().toISOString().slice(0, 10);
      const exported = () =>
        runTask("logs", "cli/logs.ts", ["export", "--app", "demo", "--day", day], folder, env);
      let use = 0;
      const decides = async () => {
        await assertAccepted(await send(logsPath("demo"), log(token, use)));
        await assertRefused(await send(logsPath("demo"), log(token, use)), 409, "use_taken");
        use++;
        const ready = await fetch(`${service.url}/readyz`);
        assertEquals([ready.status, (await ready.json()).status], [200, "ready"]);
      };
      await decides();
      await until(async () => (await exported()).stdout.trim().split("\n").length === 1);

      await signalCluster(standby, "SIGSTOP");
      assertEquals((await exported()).code, 1);
      await decides();
      await signalCluster(standby, "SIGCONT");
      await until(async () => (await exported()).code === 0);

      // From now on it goes its own way: what is read there is of the past, and nothing can be written by the service.
      await standby.promote();
      const before = (await exported()).stdout.trim().split("\n").length;
      await decides();
      assertEquals((await exported()).stdout.trim().split("\n").length, before);
      assertStringIncludes(
        (await runTask("audit", "cli/audit.ts", [], folder, env)).stdout,
        `Nothing is wrong: ${use} claims, ${use} records.`,
      );

      await killCluster(standby);
      assertEquals((await exported()).code, 1);
      await decides();
      assertEquals((await service.end("SIGTERM")).code, 0);
      // A start does without it.
      service = await startReady(withReplica);
      try {
        assertStringIncludes(JSON.stringify(service.events("warning")), "does not answer");
        assertEquals((await exported()).stdout.trim().split("\n").length, use);
        await decides();
      } finally {
        await service.end("SIGTERM");
      }
    }),
});

Deno.test({
  name: "openReplica() does without one that is hours behind, as a copy is that nobody keeps up to date",
  ignore: NO_POSTGRES !== undefined,
  async fn() {
    await using cluster = await startCluster();
    const [own, copy] = [await cluster.newDatabase(), await cluster.newDatabase()];
    const lines: string[] = [];
    const log = (_: string, members?: Record<string, unknown>) => void lines.push(String(members?.message));
    const [store, copied] = [await openStore(own), await openStore(copy)];
    try {
      for (const one of [store, copied]) await setRow(one, SEAL_PROOFS.key(), Uint8Array.of(1));
      const time = (seconds: number) => ({ seconds, confirmations: 0 });
      await setRow(store, CONFIRMED_TIMES.key(), time(1_800_000_000));
      await setRow(copied, CONFIRMED_TIMES.key(), time(1_800_000_000 - 3_000));
      const near = await openReplica(store, copy, log);
      assertEquals([near === undefined, lines], [false, []]);
      near?.close();
      await setRow(copied, CONFIRMED_TIMES.key(), time(1_800_000_000 - 7_300));
      assertEquals(await openReplica(store, copy, log), undefined);
      assertStringIncludes(lines[0] ?? "", "more than 2 h behind");
    } finally {
      store.close();
      copied.close();
    }
  },
});

Deno.test("nothing that decides can be handed a replica: three files read it, all of them of the past", async () => {
  const reading: string[] = [];
  for (const floor of ["core", "edge", "routes", "cli"]) {
    const { stdout } = await new Deno.Command("grep", {
      args: ["-rlE", "--include=*.ts", "--include=*.tsx", "\\breplica\\b *[:,}]|\\.replica\\b", floor],
      cwd: new URL("../../", import.meta.url),
    }).output();
    reading.push(...new TextDecoder().decode(stdout).trim().split("\n").filter((line) => line !== ""));
  }
  assertEquals(reading.toSorted(), [
    "core/operations/actions/export_logs.ts",
    // It passes it on.
    "core/service.ts",
    "routes/admin/release_documents.ts",
    "routes/console/privacy/view.ts",
  ]);
});
