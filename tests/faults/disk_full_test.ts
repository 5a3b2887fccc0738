import { assert, assertEquals, assertGreater } from "@std/assert";
import { assertExactlyOnce } from "../support/store/exactly_once.ts";
import { startLoad } from "../support/client/load.ts";
import { fetchTokens } from "../support/client/load_client.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { readiness, storeUp } from "../support/processes/store_health.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

/** Runs a command of the system; gives whether it worked. */
async function run(...command: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command[0]!, {
      args: command.slice(1),
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** Load until the store takes nothing more, then room, and then every log has to come to an end. */
async function fillAndFree(service: RunningService, makeRoom: () => Promise<void>): Promise<void> {
  await service.ready();
  const tokens = await fetchTokens(service.url, "disk", 640);
  const load = startLoad({ url: () => service.url, tokens, clients: 16 });
  const heard = (answer: string) => load.heard.get(answer) ?? 0;
  await until(() => heard("503 store_unavailable") > 100);
  // It stays up, says clearly what is wrong, and acknowledges nothing that it cannot keep.
  assertGreater(heard("200"), 0);
  for (const answer of load.heard.keys()) {
    assert(["200", "503 store_unavailable", "429 overloaded"].includes(answer), answer);
  }
  assert(service.lines.join("\n").includes("store_fault"), service.lines.join("\n"));
  // Its load balancer and its operator are told, though reads work.
  await until(async () => await readiness(service) === 503);
  await until(async () => await storeUp(service) === 0);
  await makeRoom();
  const before = heard("200");
  await until(() => heard("200") > before + 200);
  await load.stop();
  await until(async () => await readiness(service) === 200 && await storeUp(service) === 1);
  assertEquals(new Set(load.sent.values().map((answer) => answer!.status)), new Set([200]));
  await assertExactlyOnce(service, load.sent);
}

Deno.test("a store's file that may not grow: clear refusals, nothing lost, and it recovers without a restart", async () => {
  const folder = await Deno.makeTempDir();
  // SIGXFSZ is ignored, as it is for whoever writes to a full disk: the write fails, the process lives.
  const service = spawnService({
    folder,
    wrap: (command) => ["bash", "-c", `trap '' XFSZ; ulimit -S -f 2048; exec "$@"`, "bash", ...command],
  });
  await fillAndFree(service, async () => {
    assert(await run("prlimit", `--pid=${service.child.pid}`, "--fsize=unlimited:"), "prlimit failed");
  });
  assertEquals((await service.end("SIGTERM")).code, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a full disk: clear refusals, nothing lost, and it recovers without a restart", async (t) => {
  const folder = await Deno.makeTempDir();
  if (!await run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder)) {
    await Deno.remove(folder);
    await t.step({ name: "left out: no right to mount a small tmpfs here", ignore: true, fn: () => {} });
    return;
  }
  try {
    const ballast = `${folder}/ballast`;
    await Deno.writeFile(ballast, new Uint8Array(20 * 1024 * 1024));
    const service = spawnService({ folder });
    await fillAndFree(service, () => Deno.remove(ballast));
    assertEquals((await service.end("SIGTERM")).code, 0);
  } finally {
    assert(await run("umount", folder), "the tmpfs is still in use");
    await Deno.remove(folder);
  }
});
