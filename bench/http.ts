// deno-lint-ignore-file no-console -- a bench speaks to a person.
/**
 * `deno task bench:http`: tokens issued and logs accepted over loopback, first use and reuse of tokens apart, beside the
 * same server without credentials; then latencies at a tenth, a half and nine tenths of the maximum. Real tokens, real
 * MACs, real SQLite files; the three kinds of log take turns, so that a noisy machine hurts all alike.
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
} from "../tests/support/load_client.ts";
import { freePort, spawnService } from "../tests/support/spawned_service.ts";
import { environment } from "./environment.ts";
import { type LoadResult, percentile, runLoad } from "./http/load.ts";
import { postRequest } from "./http/wire_connection.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, logs: { type: "string", default: "4000" } },
});
const ROUNDS = Number(values.rounds);
const LOGS = Number(values.logs);
const BATCH = 30;
const CONNECTIONS = 64;
const PATH = "/v1/apps/load/logs";

const folder = await Deno.makeTempDir();
const service = spawnService({ folder });
await service.ready;
const plainPort = freePort();
const plain = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "--no-check",
    "-A",
    "bench/http/plain_server.ts",
    `${folder}/plain.sqlite3`,
    String(plainPort),
  ],
  env: { NO_COLOR: "1" },
  stdout: "null",
}).spawn();

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

type Kind = "without credentials" | "reused token" | "first use" | "issuing, batches of 30";
const KINDS: readonly Kind[] = ["without credentials", "reused token", "first use", "issuing, batches of 30"];

/** Fresh requests of a kind: every log and batch is sent once only. */
async function makeRequests(kind: Kind, count: number): Promise<Uint8Array[]> {
  const client = crypto.randomUUID();
  if (kind === "issuing, batches of 30") {
    const batches = Math.ceil(count / BATCH);
    const made: Uint8Array[] = [];
    for (let index = 0; index < batches; index++) {
      const { headers, body } = await prepareBatch(service.url, `${client}-${index}`, BATCH);
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
    ? { port: plainPort, pid: plain.pid }
    : { port: service.port, pid: service.child.pid };
  return runLoad({ ...to, requests, connections: CONNECTIONS, ...(rate === undefined ? {} : { rate }) });
}

try {
  const results = new Map<Kind, LoadResult[]>(KINDS.map((kind) => [kind, []]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const kind of KINDS) {
      const count = kind === "first use" || kind === KINDS[3] ? Math.ceil(LOGS / 4) : LOGS;
      const result = await send(kind, await makeRequests(kind, count));
      // The first round warms everything up.
      if (round >= 0) results.get(kind)!.push(result);
    }
  }
  const scale = (kind: Kind) => kind === KINDS[3] ? BATCH : 1;
  const rate = (kind: Kind) => median(results.get(kind)!.map(({ perSecond }) => perSecond * scale(kind)));
  const cpu = (kind: Kind) => median(results.get(kind)!.map(({ serverCpuMs }) => serverCpuMs / scale(kind)));
  const base = rate("without credentials");
  const baseCpu = cpu("without credentials");
  console.log(`${environment()}; ${CONNECTIONS} connections, ${ROUNDS} rounds in turn, medians\n`);
  console.log(markdownTable(
    ["", "per second", "of no credentials", "server CPU, ms each", "CPU of no credentials"],
    KINDS.map((kind) => [
      kind,
      rate(kind).toFixed(0),
      kind === KINDS[3] ? "(tokens)" : (rate(kind) / base).toFixed(2),
      cpu(kind).toFixed(3),
      kind === KINDS[3] ? "(tokens)" : (cpu(kind) / baseCpu).toFixed(2),
    ]),
  ));
  console.log("\nLatency in ms at a share of each one's maximum:\n");
  const rows: string[][] = [];
  for (const kind of KINDS.slice(0, 3)) {
    const row: string[] = [kind];
    for (const share of [0.1, 0.5, 0.9]) {
      const wanted = rate(kind) * share;
      const count = Math.max(200, Math.min(LOGS, Math.round(wanted * 3)));
      const { latencies } = await send(kind, await makeRequests(kind, count), wanted);
      row.push(`${percentile(latencies, 0.5).toFixed(1)} / ${percentile(latencies, 0.99).toFixed(1)}`);
    }
    rows.push(row);
  }
  console.log(markdownTable(["p50 / p99", "at 10 %", "at 50 %", "at 90 %"], rows));
} finally {
  await service.end("SIGTERM");
  plain.kill("SIGKILL");
  await plain.status;
  await Deno.remove(folder, { recursive: true });
}
