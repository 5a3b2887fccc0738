/**
 * Whole logs over loopback HTTP, with reused tokens, beside the same application without credentials.
 *
 * @module
 */
import { fetchTokens, signLog } from "../../tests/support/client/load_client.ts";
import { spawnService } from "../../tests/support/processes/spawned_service.ts";
import { startPlainServer } from "../http/plain_process.ts";
import { type LoadResult, percentile, runLoad } from "../http/load.ts";
import { postRequest } from "../http/wire_connection.ts";
import { markdownTable, median } from "../statistics.ts";

const CONNECTIONS = 64;
const PATH = "/v1/apps/load/logs";

/** Measures in turns and gives a table. */
export async function measureHttp(rounds: number, logs: number): Promise<string> {
  const folder = await Deno.makeTempDir();
  const service = spawnService({ folder });
  await service.ready();
  const plain = await startPlainServer(folder);

  /** Logs of fresh tokens whose first use has filled the cache of MAC keys. */
  async function reusedLogs(count: number): Promise<Uint8Array[]> {
    const tokens = await fetchTokens(service.url, crypto.randomUUID(), Math.ceil(count / 63));
    const wires = (uses: number[]) =>
      tokens.flatMap((token) => uses.map((use) => signLog(token, use)))
        .map(({ headers, body }) => postRequest(PATH, headers, body));
    const target = { port: service.port, pid: service.child.pid, connections: 8 };
    await runLoad({ ...target, requests: wires([0]) });
    return wires(Array.from({ length: 63 }, (_, index) => index + 1)).slice(0, count);
  }
  const send = (to: "service" | "plain", requests: Uint8Array[], rate?: number) =>
    runLoad({
      ...(to === "plain"
        ? { port: plain.port, pid: plain.pid }
        : { port: service.port, pid: service.child.pid }),
      requests,
      connections: CONNECTIONS,
      rate,
    });

  try {
    const measured: { service: LoadResult; plain: LoadResult }[] = [];
    for (let round = -2; round < rounds; round++) {
      const requests = await reusedLogs(logs);
      const result = { plain: await send("plain", requests), service: await send("service", requests) };
      // The first rounds warm everything up.
      if (round >= 0) measured.push(result);
    }
    const of = (pick: (result: (typeof measured)[number]) => number) => median(measured.map(pick));
    const rows = [];
    for (const name of ["plain", "service"] as const) {
      const maximum = of((result) => result[name].perSecond);
      const requests = await reusedLogs(Math.min(logs, Math.ceil(maximum * 2)));
      const { latencies } = await send(name, requests, maximum / 2);
      rows.push([
        name === "plain" ? "no credentials" : "the service",
        maximum.toFixed(0),
        of((result) => result[name].perSecond / result.plain.perSecond).toFixed(2),
        of((result) => result[name].serverCpuMs).toFixed(3),
        of((result) => result.plain.serverCpuMs / result[name].serverCpuMs).toFixed(2),
        percentile(latencies, 0.5).toFixed(1),
        percentile(latencies, 0.99).toFixed(1),
      ]);
    }
    return markdownTable(
      ["", "a second", "ratio", "server CPU, ms", "ratio of CPU", "p50 at half", "p99 at half, ms"],
      rows,
    );
  } finally {
    await service.end("SIGTERM");
    await plain.end();
    await Deno.remove(folder, { recursive: true });
  }
}
