/**
 * `deno task bench:scale`: what a log costs as the store grows, as live keys grow and as clients grow, and the memory
 * beside it. Each point of a curve is a service of its own in a process of its own (bench/scale/point.ts); the points of
 * a curve take turns, so that a noisy machine hurts all alike, and ratios are medians of the ratios of single rounds.
 *
 * `--rounds=7`, `--logs=5000` in a round, `--long` (ten million redemptions), `--curves=redemptions,clients` (not all),
 * `--write` (all of them into docs/measurements.md, and the plot docs/scale.svg).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Cluster, NO_POSTGRES, startCluster } from "../tests/support/postgres/cluster.ts";
import { ContenderProcess } from "./contenders/process.ts";
import { SETTINGS } from "./ledger/postgres_settings.ts";
import { AXIS, drawPlot, LEGEND, plotText } from "./plot.ts";
import { Report } from "./report.ts";
import type { Measurement, Point } from "./scale/point.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    logs: { type: "string", default: "5000" },
    long: { type: "boolean", default: false },
    curves: { type: "string", default: "redemptions,applications,clients" },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const WARM_UP_ROUNDS = 4;
const BASE: Point = { redemptions: 100_000, applications: 1, clients: 1_000 };

type Dimension = "redemptions" | "applications" | "clients";

/** What grows, and the steps in which it does. */
const CURVES: Readonly<Record<Dimension, readonly number[]>> = {
  redemptions: [1e4, 1e5, 1e6, ...(values.long ? [1e7] : [])],
  applications: [1, 10, 100, 1_000],
  clients: [1e3, 1e4, 1e5, 1e6],
};

const HEADINGS: Readonly<Record<Dimension, string>> = {
  redemptions: "The store grows: redemptions in it, on a file and in PostgreSQL",
  applications: "Live keys grow: applications, each with four keys",
  clients: "Clients grow: each with a token in use, sending in random order",
};

/** One point of a curve and what was measured there, a round each. */
interface Step {
  readonly value: number;
  /** Whether in PostgreSQL. */
  readonly inDatabase: boolean;
  readonly rounds: readonly Measurement[];
}

async function pointsOf(dimension: Dimension, cluster: Cluster | undefined): Promise<Point[]> {
  const points = CURVES[dimension].map((value) => ({ ...BASE, [dimension]: value }));
  if (dimension !== "redemptions" || cluster === undefined) return points;
  const inDatabase = points.map(async (point) => ({ ...point, database: await cluster.newDatabase() }));
  return [...points, ...await Promise.all(inDatabase)];
}

const count = (number: number) => number.toLocaleString("en");

/** Measures the points of a curve in turn. */
async function measureCurve(
  folder: string,
  dimension: Dimension,
  cluster: Cluster | undefined,
): Promise<Step[]> {
  const started = await Promise.allSettled(
    (await pointsOf(dimension, cluster)).map(async (point) => {
      const { contender } = await ContenderProcess.start({
        command: Deno.execPath(),
        args: [
          ...["run", "--config=../tests/deno.json", "--no-check", "--allow-all"],
          ...["scale/point.ts", folder, JSON.stringify(point)],
        ],
        cwd: new URL("./", import.meta.url),
      });
      const inDatabase = point.database !== undefined;
      return { value: point[dimension], inDatabase, contender, rounds: [] as Measurement[] };
    }),
  );
  const points = started.flatMap((start) => start.status === "fulfilled" ? [start.value] : []);
  const failed = started.find((start) => start.status === "rejected");
  for (let round = -WARM_UP_ROUNDS; failed === undefined && round < ROUNDS; round++) {
    for (const turn of points.keys()) {
      // Another one begins in each round, so that none always follows the same.
      const { contender, rounds } = points[(turn + round + WARM_UP_ROUNDS) % points.length]!;
      const measurement = JSON.parse(await contender.ask(values.logs));
      if (round >= 0) rounds.push(measurement);
    }
  }
  for (const { contender } of points) await contender.stop();
  if (failed !== undefined) throw failed.reason;
  return points;
}

function tableOf(dimension: Dimension, steps: readonly Step[]): string {
  const rows = steps.map(({ value, inDatabase, rounds }) => {
    // Of the same engine's.
    const smallest = steps.find((step) => step.inDatabase === inDatabase)!;
    const of = (what: keyof Measurement) => median(rounds.map((measurement) => measurement[what]));
    const ratio = (what: keyof Measurement) =>
      median(rounds.map((measurement, round) => measurement[what] / smallest.rounds[round]![what])).toFixed(
        2,
      );
    return [
      count(value) + (inDatabase ? ", PostgreSQL" : ""),
      of("cpu").toFixed(0),
      ratio("cpu"),
      of("wall").toFixed(0),
      ratio("wall"),
      of("commit").toFixed(0),
      ratio("commit"),
      of("group").toFixed(0),
      of("maintenance").toFixed(1),
      of("memory").toFixed(0),
    ];
  });
  return markdownTable([
    dimension,
    "CPU, us a log",
    "ratio",
    "wall, us",
    "ratio",
    "of it in commits",
    "ratio",
    "logs a commit",
    "maintenance, % of a core",
    "resident MiB",
  ], rows);
}

/** Three curves beside each other, on one scale. */
function plotOf(curves: ReadonlyMap<Dimension, readonly Step[]>): Record<string, unknown> {
  const lines = [
    ["cpu", "CPU", false],
    ["commit", "wall, in commits", false],
    ["cpu", "CPU, PostgreSQL", true],
    ["commit", "wall, in commits, PostgreSQL", true],
  ] as const;
  const names = [...curves.keys()];
  const points = (dimension: Dimension, what: keyof Measurement, inDatabase: boolean) =>
    curves.get(dimension)!.filter((step) => step.inDatabase === inDatabase)
      .map(({ value, rounds }) => [value, Math.round(median(rounds.map((round) => round[what])))]);
  const highest = Math.max(
    ...names.flatMap((name) =>
      lines.flatMap(([what, , inDatabase]) => points(name, what, inDatabase).map(([, y]) => y!))
    ),
  );
  const step = highest > 1_000 ? 500 : 200;
  return {
    title: [plotText("microseconds a log", 8, 8)],
    legend: { ...LEGEND, right: 20, top: 6, data: lines.map(([, name]) => name) },
    grid: names.map((_, index) => ({ left: 50 + index * 285, width: 245, top: 45, bottom: 55 })),
    xAxis: names.map((name, gridIndex) => ({
      ...AXIS,
      gridIndex,
      type: "log",
      name,
      nameGap: 30,
      min: CURVES[name][0],
      max: CURVES[name].at(-1),
      splitLine: { show: false },
    })),
    yAxis: names.map((_, gridIndex) => ({
      ...AXIS,
      gridIndex,
      max: Math.ceil(highest / step) * step,
      axisLabel: gridIndex === 0 ? AXIS.axisLabel : { show: false },
    })),
    series: names.flatMap((dimension, index) =>
      lines.map(([what, name, inDatabase]) => ({
        type: "line",
        name,
        xAxisIndex: index,
        yAxisIndex: index,
        symbol: "circle",
        symbolSize: 7,
        data: points(dimension, what, inDatabase),
      }))
    ),
  };
}

const folder = await Deno.makeTempDir({ prefix: "dit-scale-" });
await using stack = new AsyncDisposableStack();
try {
  const cluster = NO_POSTGRES === undefined ? stack.use(await startCluster(SETTINGS)) : undefined;
  const report = new Report(
    "bench:scale",
    `64 requests at once, ${ROUNDS} rounds of ${values.logs} logs in turn, medians`,
  );
  if (NO_POSTGRES !== undefined) report.say(`Nothing of PostgreSQL: ${NO_POSTGRES}.`);
  const curves = new Map<Dimension, readonly Step[]>();
  for (const dimension of values.curves.split(",") as Dimension[]) {
    const steps = await measureCurve(folder, dimension, cluster);
    curves.set(dimension, steps);
    report.say(`${HEADINGS[dimension]}:`);
    report.say(tableOf(dimension, steps));
  }
  await report.keep();
  if (report.keeps) await drawPlot("scale.svg", { width: 900, height: 340 }, plotOf(curves));
} finally {
  await Deno.remove(folder, { recursive: true });
}
