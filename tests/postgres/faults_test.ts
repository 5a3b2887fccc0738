/** A service on PostgreSQL under load, while its server, its connections and its own process fail in every way. */
import { assert, assertEquals } from "@std/assert";
import pg from "pg";
import { startLoad } from "../support/client/load.ts";
import { fetchTokens } from "../support/client/load_client.ts";
import { type Cluster, startCluster } from "../support/postgres/cluster.ts";
import { killCluster, signalCluster } from "../support/postgres/standby.ts";
import { freePort } from "../support/processes/free_ports.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { readiness } from "../support/processes/store_health.ts";
import { openTcpGate } from "../support/processes/tcp_gate.ts";
import { assertExactlyOnce } from "../support/store/exactly_once.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const CLIENTS = 16;
/** Tokens of a fault: a machine that is many times as fast does not run out of them. */
const TOKENS = LONG ? 1_024 : 320;
const MAX_CONNECTIONS = 40;
const OF_THE_SERVICE = "application_name = 'dit' and pid <> pg_backend_pid()";
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What fails. */
interface World {
  readonly cluster: Cluster;
  /** Bytes after which a connection between service and server is cut; undefined: never. */
  bytesUntilCut: (() => number) | undefined;
  service: RunningService;
  readonly spawn: () => RunningService;
}

interface Fault {
  readonly name: string;
  /** Makes it happen; what it gives makes it well again. */
  readonly strike: (world: World) => Promise<(() => Promise<void>) | void>;
  /** Milliseconds for which it stays. */
  readonly lasts: number;
  /** Whether clients must have been told that the store does not answer. */
  readonly isFelt: boolean;
}

/** Does something over and over until the fault is healed. */
function again(act: () => Promise<unknown>, pauseMs: number): () => Promise<void> {
  let running = true;
  const done = (async () => {
    while (running) {
      await act();
      await sleep(pauseMs);
    }
  })();
  return async () => {
    running = false;
    await done;
  };
}

const FAULTS: readonly Fault[] = [
  {
    name: "the service is killed",
    async strike(world) {
      for (let round = 0; round < (LONG ? 20 : 3); round++) {
        await sleep(Math.random() * 300);
        await world.service.end("SIGKILL");
        world.service = world.spawn();
        await world.service.ready();
      }
    },
    lasts: 0,
    isFelt: false,
  },
  {
    name: "the server is killed and started",
    async strike({ cluster }) {
      await killCluster(cluster);
      return () => cluster.start();
    },
    lasts: 2_500,
    isFelt: true,
  },
  {
    name: "the server is shut down and started",
    async strike({ cluster }) {
      await cluster.stop("fast");
      return () => cluster.start();
    },
    lasts: 2_500,
    isFelt: true,
  },
  {
    name: "the server stops and goes on",
    async strike({ cluster }) {
      await signalCluster(cluster, "SIGSTOP");
      return () => signalCluster(cluster, "SIGCONT");
    },
    // Long enough for connections to be given up.
    lasts: 14_000,
    isFelt: true,
  },
  {
    name: "connections are cut in the middle of what they carry",
    strike(world) {
      world.bytesUntilCut = () => 500 + Math.random() * 60_000;
      return Promise.resolve(() => {
        world.bytesUntilCut = undefined;
        return Promise.resolve();
      });
    },
    lasts: 3_000,
    isFelt: false,
  },
  {
    name: "backends are terminated in the middle of their commits",
    strike: ({ cluster }) =>
      Promise.resolve(again(
        () => cluster.sql(`select pg_terminate_backend(pid) from pg_stat_activity where ${OF_THE_SERVICE}`),
        20,
      )),
    lasts: 3_000,
    isFelt: false,
  },
  {
    name: "others have all connections",
    strike({ cluster }) {
      const others: { connect(): Promise<unknown>; end(): Promise<void> }[] = [];
      // Whatever the service lets go of is taken.
      const stop = again(async () => {
        const { port } = cluster;
        const other = new pg.Client({ host: "127.0.0.1", port, user: "other", database: "postgres" });
        other.on("error", () => {});
        await other.connect().then(() => others.push(other), () => {});
        await cluster.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity where ${OF_THE_SERVICE} limit 1`,
        )
          .catch(() => {});
      }, 1);
      return Promise.resolve(async () => {
        await stop();
        for (const other of others) await other.end();
      });
    },
    lasts: 4_000,
    isFelt: true,
  },
];

async function endure({ name, strike, lasts, isFelt }: Fault, world: World, stored: Set<string>) {
  const tokens = await fetchTokens(world.service.url, name.replaceAll(/\W/g, "-"), TOKENS);
  const load = startLoad({ url: () => world.service.url, tokens, clients: CLIENTS, pauseMs: LONG ? 20 : 15 });
  const heard = (answer: string) => load.heard.get(answer) ?? 0;
  await until(() => heard("200") > 50);
  const heal = await strike(world);
  await sleep(LONG ? 3 * lasts : lasts);
  if (isFelt) await until(() => heard("503 store_unavailable") > 0);
  await heal?.();
  // A process that was killed answers nothing; otherwise clients hear a clear refusal or a success.
  for (const answer of load.heard.keys()) {
    assert(["200", "503 store_unavailable", "429 overloaded", "0"].includes(answer), `${name}: ${answer}`);
  }
  // It recovers by itself.
  const before = heard("200");
  await until(() => heard("200") > before + 50);
  await load.stop();
  assertEquals(new Set(load.sent.values().map((answer) => answer?.status)), new Set([200]));
  await until(async () => await readiness(world.service) === 200);
  return await assertExactlyOnce(world.service, load.sent, stored);
}

Deno.test("PostgreSQL may fail in every way, and every log is stored once", async (t) => {
  const folder = await Deno.makeTempDir();
  await using cluster = await startCluster([
    `max_connections=${MAX_CONNECTIONS}`,
    "superuser_reserved_connections=3",
  ]);
  await cluster.sql("create role other login");
  // Without the right to connections that are kept for superusers.
  await cluster.sql("create role service login");
  const database = new URL(await cluster.newDatabase()).pathname;
  await cluster.sql(`alter database ${database.slice(1)} owner to service`);
  const world: Omit<World, "service"> = {
    cluster,
    bytesUntilCut: undefined,
    spawn: () => spawnService({ folder, port, kv: `postgres://service@127.0.0.1:${gate.port}${database}` }),
  };
  const gate = openTcpGate(freePort(), cluster.port, () => world.bytesUntilCut?.());
  const port = freePort();
  const whole: World = Object.assign(world, { service: world.spawn() });
  try {
    await whole.service.ready();
    let stored = new Set<string>();
    for (const fault of FAULTS) {
      await t.step(fault.name, async () => {
        stored = await endure(fault, whole, stored);
      });
    }
    await t.step(`${stored.size} logs, and the service ends in order`, async () => {
      assertEquals((await whole.service.end("SIGTERM")).code, 0);
    });
  } finally {
    await whole.service.end("SIGKILL");
    await gate.close();
    await Deno.remove(folder, { recursive: true });
  }
});
