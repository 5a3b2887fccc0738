/** The machine of the primary is lost under load: the services find the promoted standby by themselves. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { startLoad } from "../support/client/load.ts";
import { fetchTokens, type LoadToken, sendUntilKnown, signMarkedLog } from "../support/client/load_client.ts";
import { startCluster } from "../support/postgres/cluster.ts";
import { longestSilence } from "../support/postgres/longest_silence.ts";
import { killCluster, startStandby, urlOf } from "../support/postgres/standby.ts";
import { present } from "../support/base/present.ts";
import { spawnService } from "../support/processes/spawned_service.ts";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
/** Logs that are accepted in all, at least. */
const LOGS = LONG ? 1_000_000 : 6_000;
const CLIENTS = LONG ? 64 : 16;
const RIVALS = LONG ? 2 : CLIENTS;
const USES = 64;
/** What one account may have in the configuration of the fault tests. */
const TOKENS_PER_ACCOUNT = 1_024;

async function fetchAll(url: string, count: number): Promise<LoadToken[]> {
  const tokens: LoadToken[] = [];
  for (let account = 0; tokens.length < count; account++) {
    const left = Math.min(TOKENS_PER_ACCOUNT, count - tokens.length);
    tokens.push(...await fetchTokens(url, `failover-${account}`, left));
  }
  return tokens;
}

Deno.test("three services and a primary that is lost under load: nothing is lost, doubled or over a limit", async (t) => {
  const folder = await Deno.makeTempDir();
  await using primary = await startCluster();
  const database = await primary.newDatabase();
  await using standby = await startStandby(primary);
  const services = Array.from(
    { length: 3 },
    () => spawnService({ folder, kv: urlOf(database, primary, standby) }),
  );
  try {
    for (const service of services) await service.ready();
    const tokens = await fetchAll(present(services[0]).url, Math.ceil(1.5 * LOGS / USES / CLIENTS) * CLIENTS);
    // Rivals want the same uses, each at another service than the client that they race: one of two has each.
    const loads = [CLIENTS, RIVALS].map((clients, rival) =>
      startLoad({
        url: (client) => present(services[(client + rival) % services.length]).url,
        tokens: tokens.slice(0, tokens.length / CLIENTS * clients),
        clients,
        pauseMs: LONG ? 0 : 5,
      })
    );
    const accepted = () => loads.reduce((sum, { heard }) => sum + (heard.get("200") ?? 0), 0);
    const reach = async (count: number) => {
      while (accepted() < count) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await reach(LOGS / 2);
    const silence = longestSilence(accepted);
    await killCluster(primary);
    // As whatever watches over the servers would, once it is sure.
    await until(() => loads.some(({ heard }) => (heard.get("503 store_unavailable") ?? 0) > 0));
    const promoting = performance.now();
    await standby.promote();
    const promotedAfter = (performance.now() - promoting) / 1_000;
    const before = accepted();
    await until(() => accepted() > before + 500);
    const seconds = silence.stop();
    await reach(LOGS);
    await Promise.all(loads.map(({ stop }) => stop()));

    const sent: Sent = new Map(loads.flatMap((load) => [...load.sent]));
    const winners = new Map<string, number>();
    for (const [{ token, use }, answer] of sent) {
      const name = `${token.nonce.toHex()}/${use}`;
      if (answer?.status === 200) winners.set(name, (winners.get(name) ?? 0) + 1);
      else assertEquals(answer?.code, "use_taken");
    }
    assertEquals(winners.values().filter((count) => count !== 1).toArray(), []);
    const [token] = tokens;
    for (const { url } of services) {
      const { code } = await sendUntilKnown(() => url, signMarkedLog(present(token), USES));
      assertEquals(code, "use_out_of_range");
    }
    const stored = await assertExactlyOnce(present(services[2]), sent);
    assertEquals(stored.size, winners.size);
    assertGreater(stored.size, LOGS - 1);
    assert(services.every(({ lines }) => !lines.join("\n").includes("Uncaught")));
    for (const service of services) assertEquals((await service.end("SIGTERM")).code, 0);
    await t.step(
      `${stored.size} logs of ${sent.size} attempts; ${
        seconds.toFixed(1)
      } s without service, of which the standby ` +
        `took ${promotedAfter.toFixed(1)} s to take writes`,
      () => {},
    );
  } finally {
    for (const service of services) await service.end("SIGKILL");
    await Deno.remove(folder, { recursive: true });
  }
});
