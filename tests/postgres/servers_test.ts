/** Several servers in one URL: the one that takes writes is found, and found again when it is another one. */
import { assertEquals, assertRejects } from "@std/assert";
import type { ClaimingEngine } from "../../core/store/claims.ts";
import { StoreOpenError } from "../../core/store/open_error.ts";
import { openPostgres } from "../../core/store/postgres/open.ts";
import { type Cluster, startCluster } from "../support/postgres/cluster.ts";
import {
  killCluster,
  signalCluster,
  type Standby,
  startStandby,
  urlOf,
} from "../support/postgres/standby.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

async function withStandby(run: (primary: Cluster, standby: Standby, url: string) => Promise<void>) {
  await using primary = await startCluster();
  const database = await primary.newDatabase();
  await using standby = await startStandby(primary);
  await run(primary, standby, urlOf(database, standby, primary));
}

/** Whether a row can be written; no answer counts as no. */
async function writes(engine: ClaimingEngine, key: string): Promise<boolean> {
  try {
    return (await engine.commit([], [{ type: "set", key: ["test", key], value: key }])).ok;
  } catch {
    return false;
  }
}

const valueOf = async (engine: ClaimingEngine, key: string) => (await engine.get(["test", key])).value;

Deno.test("a primary that is killed: what was written is on the standby, and is written there once it is promoted", () =>
  withStandby(async (primary, standby, url) => {
    const engine = await openPostgres(url);
    try {
      assertEquals(await writes(engine, "before"), true);
      await killCluster(primary);
      assertEquals(await writes(engine, "between"), false);
      await standby.promote();
      await until(() => writes(engine, "after"));
      assertEquals(await valueOf(engine, "before"), "before");
      assertEquals(await valueOf(engine, "after"), "after");
    } finally {
      engine.close();
    }
  }));

Deno.test("a primary that hangs: its connections are thrown away, and the next one is found", () =>
  withStandby(async (primary, standby, url) => {
    const engine = await openPostgres(url, { connections: 3, statementMs: 500, connectMs: 500 });
    try {
      assertEquals(await writes(engine, "before"), true);
      await signalCluster(primary, "SIGSTOP");
      // More than the pool has connections: each of them is given up, and none waits for another one for ever.
      const hung = await Promise.all(
        Array.from({ length: 9 }, (_, index) => writes(engine, `hung ${index}`)),
      );
      assertEquals(new Set(hung), new Set([false]));
      await standby.promote();
      await until(() => writes(engine, "after"));
      // When it goes on it is a primary that no standby follows: nothing that is sent to it comes true.
      await signalCluster(primary, "SIGCONT");
      assertEquals(await valueOf(engine, "before"), "before");
    } finally {
      engine.close();
    }
  }));

Deno.test("a server that was made read-only is given up by the connections that it still has", async () => {
  await using cluster = await startCluster();
  const engine = await openPostgres(`${await cluster.newDatabase()}?target_session_attrs=primary`);
  try {
    assertEquals(await writes(engine, "before"), true);
    await cluster.sql("alter system set default_transaction_read_only = on");
    await cluster.sql("select pg_reload_conf()");
    await until(async () => !await writes(engine, "read-only"));
    // Not even reads: they may be of a past that its successor knows nothing of.
    await until(() => valueOf(engine, "before").then(() => false, () => true));
    await cluster.sql("alter system reset default_transaction_read_only");
    await cluster.sql("select pg_reload_conf()");
    await until(() => writes(engine, "after"));
  } finally {
    engine.close();
  }
});

Deno.test("a standby alone is none that a store opens on, and says so, whatever the URL asks for", () =>
  withStandby(async (primary, standby, url) => {
    const alone = url.replace(/@[^/]*/, `@127.0.0.1:${standby.port}`);
    // The tables are there, so that it would be opened were it asked for nothing but reads.
    (await openPostgres(alone.replace(`:${standby.port}`, `:${primary.port}`))).close();
    for (const asked of ["read-write", "any", undefined]) {
      const [plain] = alone.split("?");
      const its = asked === undefined ? plain : `${plain}?target_session_attrs=${asked}`;
      const error = await assertRejects(() => openPostgres(its ?? ""), StoreOpenError, "takes writes");
      assertEquals(error.mayPass, true);
    }
  }));

/** A host of which nobody hears anything: it takes connections and says nothing, or drops what is sent to it. */
async function startSilent(how: "says nothing" | "drops"): Promise<{ port: number } & Disposable> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: how === "drops" ? 1 : 64 });
  const { port } = listener.addr as Deno.NetAddr;
  // Nobody accepts: two wait, and to more of them the kernel does not answer.
  const waiting = how === "drops"
    ? await Promise.all([1, 2].map(() => Deno.connect({ hostname: "127.0.0.1", port })))
    : [];
  return {
    port,
    [Symbol.dispose]() {
      for (const connection of waiting) connection.close();
      listener.close();
    },
  };
}

for (const how of ["says nothing", "drops"] as const) {
  Deno.test(`a host that ${how} holds up neither a start nor the search for the next primary`, () =>
    withStandby(async (primary, standby, url) => {
      using silent = await startSilent(how);
      const hosts = url.replace("@", `@127.0.0.1:${silent.port},`);
      // It would be waited for for ten minutes.
      const engine = await openPostgres(hosts, { connectMs: 600_000 });
      try {
        assertEquals(await writes(engine, "before"), true);
        await killCluster(primary);
        // A call fails while none is found, though that host has not said yet what it is.
        assertEquals(await writes(engine, "between"), false);
        await until(async () => !await writes(engine, "between"));
        await standby.promote();
        await until(() => writes(engine, "after"));
        assertEquals(await valueOf(engine, "before"), "before");
      } finally {
        engine.close();
      }
    }));

  Deno.test(`a start on a host that ${how} says that it does not answer`, async () => {
    using silent = await startSilent(how);
    const url = `postgres://dit@127.0.0.1:${silent.port}/dit`;
    const error = await assertRejects(
      () => openPostgres(url, { connectMs: 200 }),
      StoreOpenError,
      "not answer",
    );
    assertEquals(error.mayPass, true);
  });
}

/** A host that does with each connection, the first of which has the number 0, what `serve` does, and then says nothing. */
function startHanging(
  serve: (client: Deno.Conn, number: number) => Promise<void>,
): { port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving: Promise<void>[] = [];
  const listening = (async () => {
    // Connections are broken off in the midst of what is served.
    for await (const client of listener) serving.push(serve(client, serving.length).catch(() => {}));
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await listening;
      await Promise.all(serving);
    },
  };
}

/** To a server: of connections beyond the first `whole` ones it hears the login, and nothing of what is said then. */
function hangAfterLogin(cluster: Cluster, whole = 0) {
  return startHanging(async (client, number) => {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: cluster.port });
    const answers = server.readable.pipeTo(client.writable).catch(() => {});
    const said = server.writable.getWriter();
    let messages = 0;
    try {
      for await (const message of client.readable) {
        if (number < whole || messages++ === 0) await said.write(message);
      }
    } finally {
      await said.close();
      await answers;
    }
  });
}

/** Agrees to encrypt, and says nothing of how. */
function hangBeforeTls() {
  return startHanging(async (client) => {
    const said = client.writable.getWriter();
    await said.write(new TextEncoder().encode("S"));
    for await (const _ of client.readable) { /* It is not answered. */ }
    await said.close();
  });
}

Deno.test("a start on hosts that hang after each of their answers says in time that none answers", async () => {
  await using cluster = await startCluster();
  const { pathname } = new URL(await cluster.newDatabase());
  // A statement would be waited for for ten minutes.
  const options = { connectMs: 300, statementMs: 600_000 };
  const start = (ports: readonly number[], parameters = "") =>
    assertRejects(
      () =>
        openPostgres(
          `postgres://dit@${ports.map((port) => `127.0.0.1:${port}`)}${pathname}${parameters}`,
          options,
        ),
      StoreOpenError,
      "not answer",
    );
  using silent = await startSilent("says nothing");
  await using encrypts = hangBeforeTls();
  await using afterLogin = hangAfterLogin(cluster);
  await using afterSearch = hangAfterLogin(cluster, 1);
  for (const { port } of [afterLogin, afterSearch]) assertEquals((await start([port])).mayPass, true);
  assertEquals((await start([encrypts.port], "?sslmode=require")).mayPass, true);
  assertEquals((await start([silent.port, afterLogin.port, afterSearch.port])).mayPass, true);
});

Deno.test("a host that hangs after its login holds up no start on the one that takes writes", async () => {
  await using cluster = await startCluster();
  await using hanging = hangAfterLogin(cluster);
  const url = (await cluster.newDatabase()).replace("@", `@127.0.0.1:${hanging.port},`);
  const engine = await openPostgres(url, { connectMs: 600_000, statementMs: 600_000 });
  try {
    assertEquals(await writes(engine, "there"), true);
  } finally {
    engine.close();
  }
});

Deno.test("a claim that no standby has is not acknowledged, whoever cancels waiting for it and hides the warning", () =>
  withStandby(async (primary, standby, url) => {
    const hidden = `&options=${encodeURIComponent("-c client_min_messages=error")}`;
    const engine = await openPostgres(url + hidden, { statementMs: 3_000 });
    try {
      const guard = { key: ["alive"], stamp: "" };
      const alive = await engine.commit([], [{ type: "set", key: guard.key, value: 1 }]);
      if (!alive.ok) throw new Error("The key is not alive.");
      const claims = engine.claims({ read: (call) => call(), write: (call) => call() });
      const claim = (rest: number) => {
        const key = ["c", Uint8Array.of(0, 0, 0, 1, rest)];
        return claims.claimGroup([{
          key,
          value: Uint8Array.of(rest),
          guard: { ...guard, stamp: alive.stamp },
        }], () => []);
      };
      assertEquals((await claim(1)).map(({ is }) => is), ["accepted"]);
      await standby.stop("immediate");
      const waiting = claim(2).then(() => "acknowledged", () => "unknown");
      const waits =
        "select pid from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'dit'";
      await until(async () => await primary.sql(waits) !== "");
      await primary.sql(`select pg_cancel_backend(pid) from (${waits}) w`);
      assertEquals(await waiting, "unknown");
      await standby.start();
      // The same claim again waits for the standby, which now has both.
      assertEquals((await claim(2)).map(({ is }) => is), ["taken"]);
      const [database = ""] =
        (await primary.sql("select datname from pg_database where datname like 'test%'")).trim().split("\n");
      assertEquals((await standby.sql("select count(*) from dit.claims", database)).trim(), "2");
    } finally {
      engine.close();
    }
  }));

Deno.test("a server of before version 14 is refused in a sentence, and gets no tables", async () => {
  await using cluster = await startCluster();
  const url = await cluster.newDatabase();
  const database = new URL(url).pathname.slice(1);
  // The server says of itself that it is an older one; everything else is its own.
  await cluster.sql(
    `create schema older;
    create function older.current_setting(text) returns text language sql as $$
      select case when $1 = 'server_version_num' then '130023' else pg_catalog.current_setting($1) end $$;
    alter database ${database} set search_path = older, pg_catalog`,
    database,
  );
  for (const [isReplica, variable] of [[false, "DIT_KV."], [true, "DIT_KV_READ."]] as const) {
    const error = await assertRejects(
      () => openPostgres(url, { isReplica }),
      StoreOpenError,
      "older than 14",
    );
    assertEquals([error.mayPass, error.message.endsWith(variable)], [false, true]);
  }
  const schemas = await cluster.sql("select count(*) from pg_namespace where nspname = 'dit'", database);
  assertEquals(schemas.trim(), "0");
  await cluster.sql(`alter database ${database} reset search_path`);
  (await openPostgres(url)).close();
});
