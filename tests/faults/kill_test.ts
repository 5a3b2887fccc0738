import { assertEquals, assertGreater } from "@std/assert";
import { until } from "../support/store/with_kv_endpoint.ts";
import { assertExactlyOnce } from "../support/store/exactly_once.ts";
import { startLoad } from "../support/client/load.ts";
import { fetchTokens } from "../support/client/load_client.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { spawnService } from "../support/processes/spawned_service.ts";

const ROUNDS = 20;
const CLIENTS = 12;

Deno.test(`kill -9 at ${ROUNDS} random instants under load loses and doubles nothing`, async () => {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  let service = spawnService({ folder, port });
  await service.ready();
  const tokens = await fetchTokens(service.url, "kill", CLIENTS * 40);
  let gate = Promise.resolve();
  // Each client goes on through every crash: the same bytes until it hears what became of them, then the next log.
  const { sent, stop } = startLoad({
    url: () => gate.then(() => service.url),
    tokens,
    clients: CLIENTS,
    // A machine that is many times as fast does not run out of tokens.
    pauseMs: 3,
  });
  let unknown = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // By what clients got done, not by time alone: a slow machine has to be killed under load as well.
    const enough = sent.size + CLIENTS + Math.floor(Math.random() * 100);
    await until(() => sent.size >= enough);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    assertEquals((await service.end("SIGKILL")).signal, "SIGKILL");
    service = spawnService({ folder, port });
    await service.ready();
    // Before anybody sends again: what was under way may be there or not, what was acknowledged is.
    await assertExactlyOnce(service, sent);
    unknown += sent.values().filter((answer) => answer === undefined).toArray().length;
    resolve();
  }
  assertGreater(unknown, 0, "every kill found the service idle");
  await stop();
  const answers = [...sent.values()].map((answer) => answer!.status);
  assertEquals(new Set(answers), new Set([200]));
  assertEquals((await assertExactlyOnce(service, sent)).size, sent.size);
  await service.end("SIGTERM");
  await Deno.remove(folder, { recursive: true });
});
