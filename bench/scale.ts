/**
 * `deno task bench:scale`: what a log costs as the store grows, as live keys grow and as clients grow, and the memory
 * beside it. Each point of a curve is a service of its own in a process of its own (bench/scale/point.ts); the points of
 * a curve take turns, so that a noisy machine hurts all alike, and ratios are medians of the ratios of single rounds.
 *
 * `--rounds=7`, `--logs=1000` in a round, `--long` (ten million redemptions), `--write` (docs/performance.md and the
 * plot docs/scale.svg).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { ContenderProcess } from "./contenders/process.ts";
import { AXIS, drawPlot, LEGEND, plotText } from "./plot.ts";
import { Report } from "./report.ts";
import type { Measurement, Point } from "./scale/point.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    logs: { type: "string", default: "1000" },
    long: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const WARM_UP_ROUNDS = 3;
const BASE: Point = { redemptions: 100_000, applications: 1, clients: 1_000 };

/** What grows, and the steps in which it does. */
const CURVES: Readonly<Record<keyof Point, readonly number[]>> = {
  redemptions: [1e4, 1e5, 1e6, ...(values.long ? [1e7] : [])],
  applications: [1, 10, 100, 1_000],
  clients: [1e3, 1e4, 1e5, 1e6],
};

const HEADINGS: Readonly<Record<keyof Point, string>> = {
  redemptions: "The store grows: redemptions in it",
  applications: "Live keys grow: applications, each with four keys",
  clients: "Clients grow: each with a token in use, sending in random order",
};

const count = (number: number) => number.toLocaleString("en");

/** The measurements of a curve's points, a list of rounds each. */
async function measureCurve(folder: string, dimension: keyof Point): Promise<Map<number, Measurement[]>> {
  const launch = (point: Point) =>
    ContenderProcess.start({
      command: Deno.execPath(),
      args: ["run", "--no-check", "--allow-all", "scale/point.ts", folder, JSON.stringify(point)],
      cwd: new URL("./", import.meta.url),
    });
  const started = await Promise.allSettled(CURVES[dimension].map(async (step) => {
    const { contender } = await launch({ ...BASE, [dimension]: step });
    return { step, contender, rounds: [] as Measurement[] };
  }));
  const points = started.flatMap((start) => start.status === "fulfilled" ? [start.value] : []);
  const failed = started.find((start) => start.status === "rejected");
  if (failed !== undefined) {
    for (const { contender } of points) await contender.stop();
    throw failed.reason;
  }
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const turn of points.keys()) {
      // Another one begins in each round, so that none always follows the same.
      const { contender, rounds } = points[(turn + round + WARM_UP_ROUNDS) % points.length]!;
      const measurement = JSON.parse(await contender.ask(values.logs));
      if (round >= 0) rounds.push(measurement);
    }
  }
  for (const { contender } of points) await contender.stop();
  return new Map(points.map(({ step, rounds }) => [step, rounds]));
}

function tableOf(dimension: keyof Point, curve: Map<number, Measurement[]>): string {
  const [smallest] = curve.values();
  const rows = [...curve].map(([step, rounds]) => {
    const of = (what: keyof Measurement) => median(rounds.map((measurement) => measurement[what]));
    const ratio = (what: keyof Measurement) =>
      median(rounds.map((measurement, round) => measurement[what] / smallest![round]![what])).toFixed(2);
    return [
      count(step),
      of("cpu").toFixed(0),
      ratio("cpu"),
      of("wall").toFixed(0),
      ratio("wall"),
      of("commit").toFixed(0),
      of("group").toFixed(0),
      of("upkeep").toFixed(1),
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
    "logs a commit",
    "upkeep, % of a core",
    "resident MiB",
  ], rows);
}

/** Three curves beside each other, on one scale. */
function plotOf(curves: ReadonlyMap<keyof Point, Map<number, Measurement[]>>): Record<string, unknown> {
  const lines = [["cpu", "CPU"], ["wall", "wall"], ["commit", "wall, in commits"]] as const;
  const names = [...curves.keys()];
  const points = (dimension: keyof Point, what: keyof Measurement) =>
    [...curves.get(dimension)!].map((
      [step, rounds],
    ) => [step, Math.round(median(rounds.map((round) => round[what])))]);
  const highest = Math.max(
    ...names.flatMap((name) => lines.flatMap(([what]) => points(name, what).map(([, y]) => y!))),
  );
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
      max: Math.ceil(highest / 200) * 200,
      axisLabel: gridIndex === 0 ? AXIS.axisLabel : { show: false },
    })),
    series: names.flatMap((dimension, index) =>
      lines.map(([what, name]) => ({
        type: "line",
        name,
        xAxisIndex: index,
        yAxisIndex: index,
        symbol: "circle",
        symbolSize: 7,
        data: points(dimension, what),
      }))
    ),
  };
}

const folder = await Deno.makeTempDir({ prefix: "dit-scale-" });
try {
  const report = new Report(
    "bench:scale",
    `64 requests at once, ${ROUNDS} rounds of ${values.logs} logs in turn, medians`,
  );
  const curves = new Map<keyof Point, Map<number, Measurement[]>>();
  for (const dimension of Object.keys(CURVES) as (keyof Point)[]) {
    const curve = await measureCurve(folder, dimension);
    curves.set(dimension, curve);
    report.say(`${HEADINGS[dimension]}`);
    report.say(tableOf(dimension, curve));
  }
  await report.keep();
  if (report.keeps) await drawPlot("scale.svg", { width: 900, height: 340 }, plotOf(curves));
} finally {
  await Deno.remove(folder, { recursive: true });
}
