/**
 * `deno task bench:ladder`: where the time of a log goes. A row of servers, each of which does one thing more than the one
 * before, from a bare `Deno.serve` to the service itself; all get the same requests (later uses of tokens whose MAC keys are
 * known) over the same connections, in turns, and what is compared is the CPU that their processes spend on one.
 *
 * `--rounds=5`, `--seconds=4` a round, `--warm-up=40000` requests to each before, `--write` (docs/measurements.md and the
 * picture docs/ladder.svg).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { spawnService } from "../tests/support/processes/spawned_service.ts";
import { CORES, moveToGeneratorCore, onServerCore } from "./http/cores.ts";
import { runLoad } from "./http/load.ts";
import { copyStore, Mint } from "./http/mint.ts";
import { firstUses, laterUses, tokensFor } from "./http/requests.ts";
import { type ServerProcess, startModule } from "./http/server_process.ts";
import { RUNGS } from "./ladder/rungs.ts";
import { AXIS, COLOURS, drawPlot, plotText } from "./plot.ts";
import { Report } from "./report.ts";
import { markdownTable, median, withSpread } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    "warm-up": { type: "string", default: "40000" },
    write: { type: "boolean", default: false },
  },
});
const [rounds, seconds, warmUp] = [values.rounds, values.seconds, values["warm-up"]].map(Number) as [
  number,
  number,
  number,
];
const CONNECTIONS = 64;
const MODULE = new URL("ladder/rung_process.ts", import.meta.url);
/** The service's own process, on the last rung. */
const SERVICE = "service";

/** A server, and how many requests it takes a second, as far as is known. */
interface Running {
  readonly server: Pick<ServerProcess, "port" | "pid">;
  perSecond: number;
}

moveToGeneratorCore();
const folder = await Deno.makeTempDir();
const seed = `${folder}/seed.sqlite3`;
const mint = await Mint.open(seed);
const ends: (() => Promise<unknown>)[] = [];
const running = new Map<string, Running>();

async function startAll(): Promise<void> {
  for (const name of RUNGS.keys()) {
    const path = await copyStore(seed, `${folder}/${name}`);
    const server = await startModule(`The rung "${name}"`, MODULE, name, path);
    ends.push(server.end);
    running.set(name, { server, perSecond: 0 });
  }
  await copyStore(seed, `${folder}/${SERVICE}`);
  const service = spawnService({ folder: `${folder}/${SERVICE}`, wrap: onServerCore });
  ends.push(() => service.end("SIGTERM"));
  await service.ready();
  running.set(SERVICE, { server: { port: service.port, pid: service.child.pid }, perSecond: 0 });
}

/** Sends later uses of fresh tokens; gives microseconds of CPU a request. */
async function measure(one: Running, count: number): Promise<number> {
  const tokens = mint.tokens(tokensFor(count));
  await runLoad({ ...one.server, requests: firstUses(tokens), connections: CONNECTIONS });
  const requests = laterUses(tokens, count);
  const { perSecond, serverCpuMs } = await runLoad({ ...one.server, requests, connections: CONNECTIONS });
  one.perSecond = perSecond;
  return serverCpuMs * 1_000;
}

/** A bar a rung: what was there below it, and what it adds. */
function plotOf(names: readonly string[], costs: readonly number[]): Record<string, unknown> {
  const below = costs.map((cost, index) => Math.min(cost, costs[index - 1] ?? 0));
  return {
    title: [plotText("us of CPU a log; dark: what this rung adds", 8, 8)],
    grid: { left: 210, right: 60, top: 40, bottom: 30 },
    xAxis: { ...AXIS, type: "value" },
    yAxis: { ...AXIS, type: "category", inverse: true, data: names },
    series: [
      {
        type: "bar",
        stack: "cost",
        barWidth: 16,
        data: below.map((value) => ({ value, itemStyle: { color: COLOURS[0], opacity: 0.3 } })),
      },
      {
        type: "bar",
        stack: "cost",
        data: costs.map((cost, index) => ({
          value: cost - (below[index] ?? 0),
          label: { show: true, position: "right", color: "#767676", formatter: cost.toFixed(0) },
        })),
      },
    ],
  };
}

try {
  await startAll();
  const report = new Report(
    "bench:ladder",
    `${CONNECTIONS} connections, ${CORES}; after ${warmUp} requests each ${rounds} rounds of ${seconds} s in turn, medians`,
  );
  const results = new Map<string, number[]>([...running.keys()].map((name) => [name, []]));
  for (const one of running.values()) await measure(one, warmUp);
  for (let round = 0; round < rounds; round++) {
    for (const [name, one] of running) {
      results.get(name)?.push(await measure(one, Math.ceil(one.perSecond * seconds)));
    }
  }
  const names = [...RUNGS.values()].map(({ adds }) => adds).concat("the service's own process");
  const all = [...results.values()];
  const costs = all.map(median);
  // Of one round each: what the machine does beside it changes from round to round.
  const steps = all.map((measured, index) =>
    median(measured.map((cost, round) => cost - (all[index - 1]?.[round] ?? 0)))
  );
  const total = costs.at(-1) ?? NaN;
  report.say(markdownTable(
    ["", "CPU, us a request (least-most)", "adds", "of the whole", "a second"],
    all.map((measured, index) => [
      names[index] ?? "",
      withSpread(measured, 1),
      (steps[index] ?? NaN).toFixed(1),
      `${(100 * (steps[index] ?? NaN) / total).toFixed(0)} %`,
      ([...running.values()][index]?.perSecond ?? NaN).toFixed(0),
    ]),
  ));
  const largest = steps.map((step, index) => ({ step, name: (names[index] ?? "").replace("+ ", "") }))
    .toSorted((a, b) => b.step - a.step).slice(0, 4);
  report.say(
    `Where the time of a log goes (${total.toFixed(0)} us): ` +
      largest.map(({ name, step }) => `${name} ${step.toFixed(0)}`).join(", ") +
      `, the rest ${(total - largest.reduce((sum, { step }) => sum + step, 0)).toFixed(0)}.`,
  );
  await report.keep();
  if (report.keeps) await drawPlot("ladder.svg", { width: 720, height: 320 }, plotOf(names, costs));
} finally {
  await Promise.all(ends.map((end) => end()));
  await Deno.remove(folder, { recursive: true });
}
