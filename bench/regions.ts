// deno-lint-ignore-file no-console -- a bench speaks to a person.
/**
 * `deno task bench:regions`: what a client in `us` waits for a token and for a log, with everything in its region, with
 * the ACS in the other region (`DIT_ROLE` split across), and with a token of the other region (sent on). The regions are
 * 80 ms apart (`--round-trip=80`). Real processes, stores, tokens and MACs; the kinds take turns.
 *
 * @module
 */
import { parseArgs } from "node:util";
import {
  fetchTokens,
  type LoadToken,
  prepareBatch,
  type SignedLog,
  signLog,
} from "../tests/support/client/load_client.ts";
import { freePort } from "../tests/support/processes/free_ports.ts";
import type { RunningService } from "../tests/support/processes/running_service.ts";
import { spawnService } from "../tests/support/processes/spawned_service.ts";
import { environment } from "./environment.ts";
import { percentile } from "./http/load.ts";
import { postRequest, WireConnection } from "./http/wire_connection.ts";
import { type Distance, putFarAway } from "./regions/distance.ts";
import { SERVICE_TOKEN } from "./regions/regions.config.ts";
import { markdownTable } from "./statistics.ts";

const { values } = parseArgs({
  options: { "round-trip": { type: "string", default: "80" }, requests: { type: "string", default: "200" } },
});
const ROUND_TRIP_MS = Number(values["round-trip"]);
const REQUESTS = Number(values.requests);
const ROUNDS = 4;
const CONNECTIONS = 4;
const REGION_TOKEN = "the-secret-of-both-regions-in-the-bench";

const folder = await Deno.makeTempDir();
const distances: Distance[] = [];
const services: RunningService[] = [];

function far(port: number): string {
  const distance = putFarAway(port, ROUND_TRIP_MS);
  distances.push(distance);
  return `http://127.0.0.1:${distance.port}`;
}

async function start(name: string, port: number, env: Record<string, string>): Promise<RunningService> {
  await Deno.mkdir(`${folder}/${name}`);
  const service = spawnService({
    folder: `${folder}/${name}`,
    port,
    env: { DIT_CONFIG: new URL("regions/regions.config.ts", import.meta.url).pathname, ...env },
  });
  services.push(service);
  await service.ready();
  return service;
}

async function startAll(): Promise<{ eu: RunningService; us: RunningService; split: RunningService }> {
  const [euPort, usPort, acsPort, splitPort] = [freePort(), freePort(), freePort(), freePort()];
  const regionsOf = (region: string) => ({
    DIT_REGION: region,
    DIT_REGIONS: region === "eu"
      ? `eu=http://127.0.0.1:${euPort},us=${far(usPort)}`
      : `eu=${far(euPort)},us=http://127.0.0.1:${usPort}`,
    DIT_REGION_TOKEN: REGION_TOKEN,
  });
  const eu = await start("eu", euPort, regionsOf("eu"));
  const us = await start("us", usPort, regionsOf("us"));
  await start("acs", acsPort, { DIT_ROLE: "acs", DIT_REGION: "us" });
  const split = await start("split", splitPort, {
    DIT_ROLE: "logs",
    DIT_REGION: "us",
    DIT_ACS_URL: far(acsPort),
    DIT_ACS_TOKEN: SERVICE_TOKEN,
  });
  return { eu, us, split };
}

type Step = "fetch a token" | "send a log, first use" | "send a log, token in use";
const STEPS: readonly Step[] = ["fetch a token", "send a log, first use", "send a log, token in use"];

/** One way to be served: who gives the tokens, and where the client's requests land. */
interface Way {
  readonly name: string;
  readonly issuer: RunningService;
  readonly lands: RunningService;
}

async function requestsOf(step: Step, { issuer }: Way, count: number): Promise<Uint8Array[]> {
  const client = crypto.randomUUID();
  if (step === "fetch a token") {
    const batches: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const { headers, body } = await prepareBatch(issuer.url, `${client}-${index}`, 1);
      batches.push(postRequest("/v1/apps/load/tokens", headers, body));
    }
    return batches;
  }
  const isFirst = step === "send a log, first use";
  const tokens = await fetchTokens(issuer.url, client, isFirst ? count : Math.ceil(count / 63));
  if (isFirst) return tokens.map((token) => wireOf(signLog(token, 0)));
  await warm(issuer, tokens);
  return tokens.flatMap((token) => Array.from({ length: 63 }, (_, use) => wireOf(signLog(token, use + 1))))
    .slice(0, count);
}

function wireOf({ headers, body }: SignedLog): Uint8Array {
  return postRequest("/v1/apps/load/logs", headers, body);
}

/** The first use of each token, which is not measured. */
async function warm(issuer: RunningService, tokens: readonly LoadToken[]): Promise<void> {
  await send(issuer.port, tokens.map((token) => wireOf(signLog(token, 0))));
}

/** Sends each request once over a few kept connections; milliseconds of each. */
async function send(port: number, requests: readonly Uint8Array[]): Promise<number[]> {
  const latencies: number[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    const wire = await WireConnection.open(port);
    while (next < requests.length) {
      const request = requests[next++]!;
      const startedAt = performance.now();
      const { status, body } = await wire.exchange(request);
      if (status !== 200) throw new Error(`Answered ${status}: ${new TextDecoder().decode(body)}`);
      latencies.push(performance.now() - startedAt);
    }
    wire.close();
  }));
  return latencies;
}

async function measure(ways: readonly Way[]): Promise<Map<string, number[]>> {
  const latencies = new Map<string, number[]>();
  for (let round = -1; round < ROUNDS; round++) {
    for (const step of STEPS) {
      for (const way of ways) {
        // A token of another region is fetched there, before the client travels.
        if (step === "fetch a token" && way.issuer !== way.lands) continue;
        const requests = await requestsOf(step, way, Math.ceil(REQUESTS / ROUNDS));
        const measured = await send(way.lands.port, requests);
        // The first round opens the connections between the servers and warms everything up.
        if (round < 0) continue;
        const name = `${step} ${way.name}`;
        latencies.set(name, [...latencies.get(name) ?? [], ...measured]);
      }
    }
  }
  return latencies;
}

try {
  const { eu, us, split } = await startAll();
  const ways: Way[] = [
    { name: "all in the region", issuer: us, lands: us },
    { name: "ACS in the other region", issuer: split, lands: split },
    { name: "token of the other region", issuer: eu, lands: us },
  ];
  const latencies = await measure(ways);
  const show = (step: Step, way: Way) => {
    const sorted = latencies.get(`${step} ${way.name}`)?.toSorted((a, b) => a - b);
    return sorted === undefined
      ? "-"
      : `${percentile(sorted, 0.5).toFixed(1)} / ${percentile(sorted, 0.99).toFixed(1)}`;
  };
  console.log(
    `${environment()}; regions ${ROUND_TRIP_MS} ms apart, ${CONNECTIONS} connections, ${REQUESTS} requests each\n`,
  );
  console.log(markdownTable(
    ["p50 / p99 in ms", ...ways.map(({ name }) => name)],
    STEPS.map((step) => [step, ...ways.map((way) => show(step, way))]),
  ));
} finally {
  for (const service of services) await service.end("SIGTERM");
  for (const distance of distances) await distance.close();
  await Deno.remove(folder, { recursive: true });
}
