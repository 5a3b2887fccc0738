/** A server whose disk is full: clear refusals, nothing lost, and the service needs no restart, whatever the server does. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { startLoad } from "../support/client/load.ts";
import { fetchTokens } from "../support/client/load_client.ts";
import { type Cluster, makeFolder, startCluster } from "../support/postgres/cluster.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { readiness } from "../support/processes/store_health.ts";
import { assertExactlyOnce } from "../support/store/exactly_once.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const DISK_MIB = 160;
/** What the server's own files leave free of it, at most. */
const FREE_MIB = 12;

async function run(...[command = "", ...args]: string[]): Promise<string | undefined> {
  const output = new Deno.Command(command, { args, stdout: "piped", stderr: "null" }).output();
  const { success, stdout } = await output.catch(() => ({ success: false, stdout: new Uint8Array() }));
  return success ? new TextDecoder().decode(stdout) : undefined;
}

async function fill(path: string, mount: string): Promise<void> {
  const free = Number((await run("df", "--output=avail", "-m", mount))?.split("\n")[1]);
  await Deno.writeFile(path, new Uint8Array(Math.max(0, free - FREE_MIB) * 1024 * 1024));
}

/** Starts the server where a full disk has ended it. */
async function ensureRunning(cluster: Cluster): Promise<boolean> {
  if (await cluster.sql("select 1").then(() => true, () => false)) return false;
  await cluster.stop("immediate").catch(() => {});
  await cluster.start();
  return true;
}

Deno.test("a full disk under the server: clear refusals, nothing lost, and the service recovers", async (t) => {
  const mount = await Deno.makeTempDir();
  if (await run("mount", "-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", mount) === undefined) {
    await Deno.remove(mount);
    await t.step({ name: "left out: no right to mount a small tmpfs here", ignore: true, fn: () => {} });
    return;
  }
  const folder = await Deno.makeTempDir();
  try {
    const settings = ["min_wal_size=32MB", "max_wal_size=32MB", "shared_buffers=16MB", "autovacuum=off"];
    await using cluster = await startCluster(settings, await makeFolder(mount));
    await using service = spawnService({ folder, kv: await cluster.newDatabase() });
    await service.ready();
    const tokens = await fetchTokens(service.url, "disk", 640);
    const load = startLoad({ url: () => service.url, tokens, clients: 16, pauseMs: 5 });
    const heard = (answer: string) => load.heard.get(answer) ?? 0;
    await until(() => heard("200") > 50);
    const ballast = `${mount}/ballast`;
    await fill(ballast, mount);
    await cluster.sql(
      "create table ballast as select repeat(md5(n::text), 30) from generate_series(1, 60000) n",
    )
      .catch(() => {});
    await until(() => heard("503 store_unavailable") > 100);
    for (const answer of load.heard.keys()) {
      assert(["200", "503 store_unavailable", "429 overloaded"].includes(answer), answer);
    }
    await until(async () => await readiness(service) === 503);
    await Deno.remove(ballast);
    const wasDown = await ensureRunning(cluster);
    const before = heard("200");
    await until(() => heard("200") > before + 100);
    await load.stop();
    await until(async () => await readiness(service) === 200);
    assertEquals(new Set(load.sent.values().map((answer) => answer?.status)), new Set([200]));
    assertGreater((await assertExactlyOnce(service, load.sent)).size, 0);
    assertEquals((await service.end("SIGTERM")).code, 0);
    await t.step(`the server ${wasDown ? "ended" : "refused"} when its disk was full`, () => {});
  } finally {
    assert(await run("umount", mount) !== undefined, "the tmpfs is still in use");
    await Deno.remove(mount);
    await Deno.remove(folder, { recursive: true });
  }
});
