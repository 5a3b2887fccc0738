/**
 * `deno task bench:http`: logs accepted and tokens issued over loopback in steady state: first use and reuse of tokens
 * apart, beside the same server without credentials and beside an OpenTelemetry Collector that gets the same events. Real
 * tokens, real MACs, real files; after a warm-up the kinds take turns, so that a noisy machine hurts all alike. Then
 * latencies at a half and nine tenths of each one's maximum.
 *
 * `--rounds=5` of `--seconds=10`, after `--warm-up=20000` logs of each kind; `--collector=no` leaves the Collector out,
 * `--processes=no` one and two processes on PostgreSQL; `--write` (docs/measurements.md and the plot docs/http.svg).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { spawnService } from "../tests/support/processes/spawned_service.ts";
import { type Contender, contendersOf } from "./http/contenders.ts";
import { buildCollector, startCollector } from "./http/collector.ts";
import { CORES, moveToGeneratorCore, onServerCore } from "./http/cores.ts";
import { type LoadResult, percentile, runLoad } from "./http/load.ts";
import { copyStore, Mint } from "./http/mint.ts";
import { compareProcesses } from "./http/processes.ts";
import { startModule } from "./http/server_process.ts";
import { AXIS, COLOURS, drawPlot, plotText } from "./plot.ts";
import { Report } from "./report.ts";
import { markdownTable, median, withSpread } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    "warm-up": { type: "string", default: "20000" },
    collector: { type: "string", default: "yes" },
    processes: { type: "string", default: "yes" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const warmUp = Number(values["warm-up"]);
const CONNECTIONS = 64;
/** Requests enough to know how many a round takes. */
const FEWEST = 256;

const built = values.collector === "yes" ? await buildCollector() : { missing: "it was not asked for" };
const folder = await Deno.makeTempDir();
const ends: (() => Promise<unknown>)[] = [];

/** Starts the servers, all with the same keys, and gives what is sent to them. */
async function start(): Promise<Contender[]> {
  const seed = `${folder}/seed.sqlite3`;
  const mint = await Mint.open(seed);
  await copyStore(seed, `${folder}/service`);
  const service = spawnService({ folder: `${folder}/service`, wrap: onServerCore });
  ends.push(() => service.end("SIGTERM"));
  await service.ready();
  const plain = await startModule(
    "The server without credentials",
    new URL("http/plain_server.ts", import.meta.url),
    `${folder}/plain.sqlite3`,
  );
  ends.push(plain.end);
  const collector = "program" in built ? await startCollector(built.program, folder) : undefined;
  if (collector !== undefined) ends.push(collector.end);
  const { port, child: { pid } } = service;
  return await contendersOf({ service: { port, pid }, plain, collector }, mint);
}

async function send({ server, make, isWell }: Contender, count: number, rate?: number): Promise<LoadResult> {
  const requests = await make(Math.max(FEWEST, Math.ceil(count)));
  return await runLoad({ ...server, requests, connections: CONNECTIONS, rate, isWell });
}

/** What was measured of one contender, a round each. */
class Rounds {
  readonly contender: Contender;
  readonly results: LoadResult[] = [];

  constructor(contender: Contender) {
    this.contender = contender;
  }

  /** Logs or tokens a second. */
  get rates(): number[] {
    return this.results.map(({ perSecond }) => perSecond * this.contender.each);
  }

  /** Milliseconds of CPU of a log or a token. */
  get costs(): number[] {
    return this.results.map(({ serverCpuMs }) => serverCpuMs / this.contender.each);
  }
}

/** The median ratio of two rows of numbers, round by round. */
function ratio(above: readonly number[], below: readonly number[] | undefined): string {
  return below === undefined
    ? ""
    : median(above.map((value, round) => value / (below[round] ?? NaN))).toFixed(2);
}

/** What docs/performance.md wants of it. */
function tellFigures(report: Report, named: (name: string) => Rounds | undefined): void {
  const reused = named("reused token");
  const over = (above: readonly number[] = [], below: readonly number[] = []) =>
    median(above.map((value, round) => value / (below[round] ?? NaN)));
  const collector = named("OpenTelemetry Collector");
  if (collector !== undefined) {
    report.figure("reused log, CPU over a Collector's log", over(reused?.costs, collector.costs), 2);
  }
  const plain = named("without credentials");
  report.figure("logs a second over those without credentials", over(reused?.rates, plain?.rates), 2);
  const costs = {
    "reused log, ms CPU on a file": reused,
    "reused log of 32 a request, ms CPU": named("reused token, 32 a request"),
    "first use, ms CPU": named("first use"),
    "token of thirty, ms CPU with proof, HTTP and quota": named("token in a batch of 30"),
  };
  for (const [name, rounds] of Object.entries(costs)) report.figure(name, median(rounds?.costs ?? []), 3);
}

/** Bars of what comes through a second. */
function plotOf(all: readonly Rounds[]): Record<string, unknown> {
  return {
    title: [plotText("logs or tokens a second, one core for the server", 8, 8)],
    grid: { left: 190, right: 110, top: 40, bottom: 30 },
    xAxis: { ...AXIS, type: "value" },
    yAxis: { ...AXIS, type: "category", inverse: true, data: all.map(({ contender }) => contender.name) },
    series: [{
      type: "bar",
      barWidth: 20,
      data: all.map(({ contender, rates }) => {
        const value = median(rates);
        const formatter = `${value.toFixed(0)} ${contender.of}`;
        return {
          value,
          label: { show: true, position: "right", color: "#767676", formatter },
          itemStyle: { color: COLOURS[contender.of === "logs" ? 0 : 2] },
        };
      }),
    }],
  };
}

try {
  const report = new Report(
    "bench:http",
    `${CONNECTIONS} connections, ${CORES}; after ${warmUp} of each ${rounds} rounds of ${seconds} s in turn, medians`,
  );
  if (values.processes === "yes") {
    report.say("Several processes, without cores of their own:");
    report.say(await compareProcesses({ folder, rounds, seconds, warmUp }));
  }
  // What starts from here on is on the load generator's core unless it is told otherwise.
  moveToGeneratorCore();
  const contenders = await start();
  if ("missing" in built) report.say(`No Collector beside it: ${built.missing}.`);
  const all = contenders.map((contender) => new Rounds(contender));
  const rates = new Map<Contender, number>();
  for (const contender of contenders) {
    // Twice: the first half is a cold process, whose rate says little.
    await send(contender, warmUp / contender.each / 2);
    rates.set(contender, (await send(contender, warmUp / contender.each / 2)).perSecond);
  }
  for (let round = 0; round < rounds; round++) {
    // Another one begins in each round, so that none always follows the same.
    for (const turn of all.keys()) {
      const one = all[(turn + round) % all.length];
      if (one === undefined) continue;
      const result = await send(one.contender, (rates.get(one.contender) ?? 0) * seconds);
      rates.set(one.contender, result.perSecond);
      one.results.push(result);
    }
  }
  const named = (name: string) => all.find(({ contender }) => contender.name === name);
  const [plain, collector] = [named("without credentials"), named("OpenTelemetry Collector")];
  report.say(markdownTable(
    [
      "",
      "a second (least-most)",
      "of no credentials",
      "server CPU, ms each",
      "of a Collector's log",
      "of no credentials",
      "load generator's CPU, ms each",
    ],
    all.map(({ contender, results, rates, costs }) => [
      contender.name,
      withSpread(rates, 0),
      contender.of === "logs" ? ratio(rates, plain?.rates) : "",
      withSpread(costs, 4),
      contender.of === "logs" ? ratio(costs, collector?.costs) : "",
      contender.of === "logs" ? ratio(costs, plain?.costs) : "",
      median(results.map(({ generatorCpuMs }) => generatorCpuMs / contender.each)).toFixed(4),
    ]),
  ));
  tellFigures(report, named);
  const rows: string[][] = [];
  for (const { contender, results } of all.filter(({ contender }) => contender.of === "logs")) {
    const row = [contender.name];
    const maximum = median(results.map(({ perSecond }) => perSecond));
    for (const share of [0.5, 0.9]) {
      const { latencies } = await send(contender, maximum * share * Math.min(seconds, 5), maximum * share);
      row.push(`${percentile(latencies, 0.5).toFixed(1)} / ${percentile(latencies, 0.99).toFixed(1)}`);
    }
    rows.push(row);
  }
  report.say("Latency in ms at a share of each one's maximum:");
  report.say(markdownTable(["p50 / p99", "at 50 %", "at 90 %"], rows));
  await report.keep();
  if (report.keeps) await drawPlot("http.svg", { width: 720, height: 260 }, plotOf(all));
} finally {
  await Promise.all(ends.map((end) => end()));
  await Deno.remove(folder, { recursive: true });
}
