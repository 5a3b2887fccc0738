import { assert, assertEquals, assertGreater } from "@std/assert";
import { startLoad } from "../support/client/load.ts";
import { fetchTokens } from "../support/client/load_client.ts";
import { HalfOpen } from "../support/processes/half_open.ts";
import type { RunningService } from "../support/processes/running_service.ts";
import { callAdmin, spawnService } from "../support/processes/spawned_service.ts";
import { assertExactlyOnce } from "../support/store/exactly_once.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

/** What the service may have open at once: files and connections together. */
const DESCRIPTORS = 256;

function spawn(folder: string): RunningService {
  return spawnService({
    folder,
    wrap: (command) => ["bash", "-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "bash", ...command],
  });
}

/** Whether a new connection gets an answer. */
async function servesNew(service: RunningService): Promise<boolean> {
  // A client of its own has no connection yet.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  try {
    const response = await fetch(`${service.url}/healthz`, { client, signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** A connection that is used again and again. */
class KeptConnection implements Disposable {
  readonly #connection: Deno.Conn;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async to(service: RunningService): Promise<KeptConnection> {
    return new KeptConnection(await Deno.connect({ hostname: "127.0.0.1", port: service.port }));
  }

  /** Asks whether the service lives; gives the line of the answer's status. */
  async ask(): Promise<string | undefined> {
    await this.#connection.write(
      new TextEncoder().encode("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    );
    const buffer = new Uint8Array(4_096);
    const length = await this.#connection.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, length ?? 0)).split("\r\n")[0];
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Opens half-open connections until the service has no descriptor for another. */
async function exhaust(service: RunningService, halfOpen: HalfOpen): Promise<void> {
  await until(async () => {
    await halfOpen.open(50);
    return service.events("listener_failed").length > 0;
  });
}

Deno.test("descriptors run out: the process says so once, its connections go on, and it listens again", async () => {
  const folder = await Deno.makeTempDir();
  const service = spawn(folder);
  await service.ready();
  assertGreater(service.events("warning").length, 0, "few descriptors are a warning at the start");
  const tokens = await fetchTokens(service.url, "descriptors", 640);
  const load = startLoad({ url: () => service.url, tokens, clients: 16, pauseMs: 5 });
  const acknowledged = () => load.heard.get("200") ?? 0;
  await until(() => acknowledged() > 50);
  using kept = await KeptConnection.to(service);
  assertEquals(await kept.ask(), "HTTP/1.1 200 OK");
  using halfOpen = new HalfOpen(service.port);
  await exhaust(service, halfOpen);
  // What was connected before is served while nobody new is.
  assertEquals(await kept.ask(), "HTTP/1.1 200 OK");
  const before = acknowledged();
  await until(() => acknowledged() > before + 20);
  halfOpen.close(100);
  await until(() => servesNew(service));
  assertEquals(await kept.ask(), "HTTP/1.1 200 OK");
  await service.until("listener_recovered");
  assert(await servesNew(service));
  await load.stop();
  assertEquals(new Set(load.sent.values().map((answer) => answer?.status)), new Set([200]));
  await assertExactlyOnce(service, load.sent);
  assertEquals(service.events("listener_failed"), [
    { event: "listener_failed", of: "clients", name: "Http", os: 24 },
  ]);
  const metrics = await (await callAdmin(service, "/metrics")).text();
  assert(metrics.includes('dit_faults_total{kind="listener"} 1'), metrics);
  halfOpen.close(halfOpen.size);
  assertEquals((await service.end("SIGTERM")).code, 0, service.lines.join("\n"));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("half-open connections that nobody closes are closed where they leave no room for others", async () => {
  const folder = await Deno.makeTempDir();
  const service = spawn(folder);
  await service.ready();
  const tokens = await fetchTokens(service.url, "half-open", 640);
  const load = startLoad({ url: () => service.url, tokens, clients: 4, pauseMs: 5 });
  using halfOpen = new HalfOpen(service.port);
  await exhaust(service, halfOpen);
  const held = halfOpen.size;
  await until(() => servesNew(service));
  await service.until("listener_recovered");
  assertEquals(halfOpen.size, held);
  assert(await servesNew(service));
  await load.stop();
  assertEquals(new Set(load.sent.values().map((answer) => answer?.status)), new Set([200]));
  await assertExactlyOnce(service, load.sent);
  assertEquals((await service.end("SIGTERM")).code, 0, service.lines.join("\n"));
  await Deno.remove(folder, { recursive: true });
});
