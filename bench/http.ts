/**
 * `deno task bench:http`: tokens issued and logs accepted over loopback, first use and reuse of tokens apart, beside the
 * same server without credentials; then latencies at a tenth, a half and nine tenths of the maximum. Real tokens, real
 * MACs, real SQLite files; the kinds take turns, so that a noisy machine hurts all alike.
 *
 * `--rounds=5`, `--logs=3000` in a round, `--write` (docs/performance.md and the plot docs/http.svg).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { BATCH_REQUEST_TYPE } from "../core/token/batch.ts";
import {
  fetchTokens,
  type LoadToken,
  prepareBatch,
  type SignedLog,
  signLog,
} from "../tests/support/client/load_client.ts";
import { spawnService } from "../tests/support/processes/spawned_service.ts";
import { startPlainServer } from "./http/plain_process.ts";
import { type LoadResult, percentile, runLoad } from "./http/load.ts";
import { postRequest } from "./http/wire_connection.ts";
import { AXIS, COLOURS, drawPlot, plotText } from "./plot.ts";
import { Report } from "./report.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    logs: { type: "string", default: "3000" },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const LOGS = Number(values.logs);
const CONNECTIONS = 64;
const PATH = "/v1/apps/load/logs";

const folder = await Deno.makeTempDir();
const service = spawnService({ folder });
await service.ready();
const plain = await startPlainServer(folder);

function wireOf({ headers, body }: SignedLog): Uint8Array {
  return postRequest(PATH, headers, body);
}

/** Tokens of as many clients as it takes: each gets 1024 at most. */
async function tokensOf(client: string, count: number): Promise<LoadToken[]> {
  const tokens: LoadToken[] = [];
  for (let index = 0; tokens.length < count; index++) {
    tokens.push(
      ...await fetchTokens(service.url, `${client}-${index}`, Math.min(1_024, count - tokens.length)),
    );
  }
  return tokens;
}

type Kind = "without credentials" | "reused token" | "first use" | "issuing 30 tokens" | "issuing one token";
/** Tokens of one request, where tokens are issued; else it is a log. */
const KINDS: Readonly<Record<Kind, number | undefined>> = {
  "without credentials": undefined,
  "reused token": undefined,
  "first use": undefined,
  "issuing 30 tokens": 30,
  "issuing one token": 1,
};
const ALL = Object.keys(KINDS) as Kind[];
const LOG_KINDS = ALL.filter((kind) => KINDS[kind] === undefined);

/** Fresh requests of a kind: every log and batch is sent once only. */
async function makeRequests(kind: Kind, count: number): Promise<Uint8Array[]> {
  const client = crypto.randomUUID();
  const batch = KINDS[kind];
  if (batch !== undefined) {
    const made: Uint8Array[] = [];
    for (let index = 0; index < Math.max(CONNECTIONS, Math.ceil(count / batch)); index++) {
      const { headers, body } = await prepareBatch(service.url, `${client}-${index}`, batch);
      made.push(
        postRequest("/v1/apps/load/tokens", { ...headers, "content-type": BATCH_REQUEST_TYPE }, body),
      );
    }
    return made;
  }
  if (kind === "first use") {
    return (await tokensOf(client, count)).map((token) => wireOf(signLog(token, 0)));
  }
  const tokens = await tokensOf(client, Math.ceil(count / 63));
  const logs = tokens.flatMap((token) => Array.from({ length: 63 }, (_, use) => signLog(token, use + 1)));
  if (kind === "reused token") {
    // The first use of each token fills the server's cache; it is not measured.
    const first = tokens.map((token) => wireOf(signLog(token, 0)));
    await runLoad({ port: service.port, pid: service.child.pid, requests: first, connections: 8 });
  }
  return logs.slice(0, count).map(wireOf);
}

function send(kind: Kind, requests: Uint8Array[], rate?: number): Promise<LoadResult> {
  const to = kind === "without credentials"
    ? { port: plain.port, pid: plain.pid }
    : { port: service.port, pid: service.child.pid };
  return runLoad({ ...to, requests, connections: CONNECTIONS, rate });
}

/** Bars of what comes through a second, each with its ratio. */
function plotOf(rates: ReadonlyMap<Kind, number>, base: number): Record<string, unknown> {
  return {
    title: [plotText("logs or tokens a second; in brackets, of the same server without credentials", 8, 8)],
    grid: { left: 150, right: 110, top: 40, bottom: 30 },
    xAxis: { ...AXIS, type: "value" },
    yAxis: { ...AXIS, type: "category", inverse: true, data: [...rates.keys()] },
    series: [{
      type: "bar",
      barWidth: 20,
      data: [...rates].map(([kind, rate]) => {
        const text = KINDS[kind] === undefined ? ` (${(rate / base).toFixed(2)})` : " tokens";
        const label = { show: true, position: "right", color: "#767676", formatter: rate.toFixed(0) + text };
        return { value: rate, label, itemStyle: { color: COLOURS[KINDS[kind] === undefined ? 0 : 2] } };
      }),
    }],
  };
}

try {
  const report = new Report(
    "bench:http",
    `${CONNECTIONS} connections, ${ROUNDS} rounds in turn, medians`,
  );
  const results = new Map<Kind, LoadResult[]>(ALL.map((kind) => [kind, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const kind of ALL) {
      const count = kind === "reused token" || kind === "without credentials" ? LOGS : Math.ceil(LOGS / 4);
      const result = await send(kind, await makeRequests(kind, count));
      // The first round warms everything up.
      if (round >= 0) results.get(kind)!.push(result);
    }
  }
  const scale = (kind: Kind) => KINDS[kind] ?? 1;
  const of = (kind: Kind, pick: (result: LoadResult) => number) => median(results.get(kind)!.map(pick));
  const rate = (kind: Kind) => of(kind, ({ perSecond }) => perSecond * scale(kind));
  const cpu = (kind: Kind) => of(kind, ({ serverCpuMs }) => serverCpuMs / scale(kind));
  const base = rate("without credentials");
  const baseCpu = cpu("without credentials");
  report.say(markdownTable(
    ["", "per second", "of no credentials", "server CPU, ms each", "CPU of no credentials"],
    ALL.map((kind) => [
      kind,
      rate(kind).toFixed(0),
      KINDS[kind] === undefined ? (rate(kind) / base).toFixed(2) : "(tokens)",
      cpu(kind).toFixed(3),
      KINDS[kind] === undefined ? (cpu(kind) / baseCpu).toFixed(2) : "(tokens)",
    ]),
  ));
  report.say("Latency in ms at a share of each one's maximum:");
  const rows: string[][] = [];
  for (const kind of LOG_KINDS) {
    const row: string[] = [kind];
    for (const share of [0.1, 0.5, 0.9]) {
      const wanted = rate(kind) * share;
      const count = Math.max(200, Math.min(LOGS, Math.round(wanted * 3)));
      const { latencies } = await send(kind, await makeRequests(kind, count), wanted);
      row.push(`${percentile(latencies, 0.5).toFixed(1)} / ${percentile(latencies, 0.99).toFixed(1)}`);
    }
    rows.push(row);
  }
  report.say(markdownTable(["p50 / p99", "at 10 %", "at 50 %", "at 90 %"], rows));
  await report.keep();
  if (report.keeps) {
    const rates = new Map(ALL.map((kind) => [kind, rate(kind)]));
    await drawPlot("http.svg", { width: 720, height: 260 }, plotOf(rates, base));
  }
} finally {
  await service.end("SIGTERM");
  await plain.end();
  await Deno.remove(folder, { recursive: true });
}
