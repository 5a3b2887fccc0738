/** A store that reads and takes no writes: everybody who looks is told, nothing is lost, and the reads go on. */
import { assert, assertEquals, assertLess } from "@std/assert";
import {
  fetchTokens,
  type LoadToken,
  sendLog,
  sendUntilKnown,
  signMarkedLog,
} from "../support/client/load_client.ts";
import { present } from "../support/base/present.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { readiness, storeUp } from "../support/processes/store_health.ts";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import { startKvEndpoint } from "../support/store/kv_endpoint.ts";
import { TOKEN, until } from "../support/store/with_kv_endpoint.ts";

/** Runs a line of the shell; gives what it printed, or undefined when a command of it failed. */
async function run(line: string): Promise<string | undefined> {
  const command = new Deno.Command("bash", { args: ["-ec", line], stdout: "piped", stderr: "null" });
  const { success, stdout } = await command.output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

async function firstToken(service: RunningService, client: string): Promise<LoadToken> {
  return present((await fetchTokens(service.url, client, 1))[0]);
}

const isDown = async (service: RunningService) =>
  await readiness(service) === 503 && await storeUp(service) === 0;
const isUp = async (service: RunningService) =>
  await readiness(service) === 200 && await storeUp(service) === 1;

Deno.test("an endpoint that refuses writes: each process says so, polling it writes nothing, and it recovers by itself", async () => {
  const folder = await Deno.makeTempDir();
  await using endpoint = await startKvEndpoint({ path: `${folder}/endpoint.sqlite3`, token: TOKEN });
  const services = ["a", "b"].map((name) => {
    Deno.mkdirSync(`${folder}/${name}`);
    return spawnService({ folder: `${folder}/${name}`, kv: endpoint.url });
  });
  const one = present(services[0]);
  for (const service of services) await service.ready();
  const token = await firstToken(one, "alice");
  const logs = services.map((_, use) => signMarkedLog(token, use));

  endpoint.faults.refuseWrites = true;
  for (const [index, service] of services.entries()) {
    assertEquals(await sendLog(service.url, present(logs[index])), {
      status: 503,
      code: "store_unavailable",
      replayed: false,
    });
    await until(() => isDown(service));
  }
  const before = endpoint.counts.writes;
  const startedAt = performance.now();
  for (let polls = 0; polls < 1_000; polls++) assertEquals(await readiness(one), 503);
  // Two processes try every two seconds, and write down their counters every five.
  const seconds = (performance.now() - startedAt) / 1_000;
  assertLess(endpoint.counts.writes - before, 2 * (seconds / 2 + seconds / 5 + 5));

  endpoint.faults.refuseWrites = false;
  // Nobody sends anything: it finds out by itself.
  for (const service of services) await until(() => isUp(service));
  const sent: Sent = new Map();
  for (const log of logs) sent.set(log, await sendUntilKnown(() => one.url, log));
  assertEquals(new Set(sent.values().map((answer) => answer?.status)), new Set([200]));
  await assertExactlyOnce(one, sent);
  for (const service of services) assertEquals((await service.end("SIGTERM")).code, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a file system that turned read-only: it says so, and goes on answering what needs no writes", async (t) => {
  const folder = await Deno.makeTempDir();
  const mount = `${folder}/store`;
  const mounted = await run(
    `truncate -s 32m ${folder}/disk; mkfs.ext4 -q -F ${folder}/disk; mkdir ${mount}; ` +
      `mount -o loop,errors=remount-ro ${folder}/disk ${mount}; basename "$(findmnt -no SOURCE ${mount})"`,
  );
  const trigger = `/sys/fs/ext4/${mounted}/trigger_fs_error`;
  const missing = mounted === undefined
    ? "no right to mount a small ext4 here"
    : await run(`test -w ${trigger}`) === undefined
    ? "this kernel makes no faults of ext4 on demand"
    : undefined;
  if (missing !== undefined) {
    await run(`umount ${mount}`);
    await Deno.remove(folder, { recursive: true });
    await t.step({ name: `left out: ${missing}`, ignore: true, fn: () => {} });
    return;
  }
  try {
    await using service = spawnService({ folder, kv: `${mount}/kv.sqlite3` });
    await service.ready();
    const token = await firstToken(service, "alice");
    assertEquals((await sendLog(service.url, signMarkedLog(token, 0))).status, 200);
    // What the kernel does when it finds a fault of the disk.
    assert(await run(`echo 1 > ${trigger}`) !== undefined);
    const log = signMarkedLog(token, 1);
    assertEquals((await sendLog(service.url, log)).code, "store_unavailable");
    await until(() => isDown(service));
    for (const path of ["/healthz", "/v1/apps/load/keys", "/v1/apps/load/schema"]) {
      const response = await fetch(service.url + path);
      await response.body?.cancel();
      assertEquals(response.status, 200, path);
    }
    // It does not take a write for done that never was: the same bytes are refused again.
    assertEquals((await sendLog(service.url, log)).code, "store_unavailable");
    assert(await isDown(service));
  } finally {
    assert(await run(`umount ${mount}`) !== undefined, "the file system is still in use");
    await Deno.remove(folder, { recursive: true });
  }
});
