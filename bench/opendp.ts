/**
 * The intervals of releases beside OpenDP: one population, counted and noised by OpenDP (Python, from PyPI, in an
 * environment that is made for the run) and by this service; totals, shares, quantiles and rates of both are derived by
 * the code of the service, and have to hold the truth equally often. Exits with 1 where they do not.
 *
 *     deno task bench:opendp
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { UniformSource } from "../core/base/uniform.ts";
import { checkConfig } from "../core/config/check/check.ts";
import type { ReleaseQuery } from "../core/config/release_types.ts";
import type { Interval } from "../core/privacy/dp/interval.ts";
import { toNumber } from "../core/privacy/dp/rational.ts";
import { deriveFrom, rateOf } from "../core/privacy/release/derived.ts";
import {
  type CellValue,
  countFigures,
  countsShownFrom,
  type Figure,
  type Figures,
} from "../core/privacy/release/figures.ts";
import { breakdownOf, noiseOf, planOf } from "../core/privacy/release/plan.ts";
import type { Release } from "../core/privacy/release/rows.ts";
import { halfWidth, sizeOf } from "../core/privacy/release/shown.ts";
import { eventOf, fieldOf } from "../core/schema/event.ts";
import { valueAtIndex, valueCount } from "../core/schema/fields/table.ts";
import { environment } from "./environment.ts";

const VERSION = "0.16.0";
const ROUNDS = 2_000;
/** Of 2,000 intervals of 95 %, fewer than so many hold the truth once in a thousand runs. */
const LEAST_HELD = 0.935;

const words = { description: "-", purpose: "-", owner: "-", expires: "2099-12-31" };
const version = { type: "version", majors: [1, 2], minors: 4 } as const;
const events = {
  load: {
    ...words,
    fields: {
      platform: { type: "enum", values: ["linux", "darwin", "windows"] },
      ms: { type: "bucket", edges: [10, 100, 1_000, 10_000] },
    },
  },
  start: { ...words, fields: { version } },
  crash: { ...words, fields: { version } },
} as const;
const QUERIES: Record<string, Record<string, ReleaseQuery>> = {
  epsilon: {
    loads: { event: "load", by: ["platform", "ms"], epsilon: 0.5 },
    crash_rate: { event: "crash", among: "start", by: ["version"], epsilon: 0.25 },
  },
  rho: {
    loads: { event: "load", by: ["platform", "ms"], rho: 0.05 },
    crash_rate: { event: "crash", among: "start", by: ["version"], rho: 0.02 },
  },
};
/** People by the indexes of a cell: of `loads` so many; of `crash_rate` so many with the event, of so many. */
const LOADS: Record<string, number> = {
  "0,0": 240,
  "0,1": 610,
  "0,2": 330,
  "0,3": 45,
  "0,4": 4,
  "1,1": 180,
  "1,2": 95,
  "2,0": 7,
  "2,2": 20,
  "2,3": 3,
};
const RUNNING: Record<string, readonly [having: number, among: number]> = {
  "0": [3, 40],
  "4": [30, 90],
  "6": [75, 1_200],
  "7": [0, 350],
  "9": [2, 6],
};

interface Asked {
  readonly release: Omit<Release, keyof Figures>;
  readonly cells: readonly string[];
  /** People, each as the name of their cell; of a rate with + or - for the event. */
  readonly people: readonly string[];
  /** The figures of our own code. */
  readonly own: (random: UniformSource) => Figures;
  /** The figures of noised counts in the order of the cells; of a rate with the event, then without. */
  readonly figuresOf: (counts: readonly number[]) => Figures;
}

function ask(unit: string, name: string): Asked {
  const budget = unit === "rho" ? { rho: 10 } : { epsilon: 10 };
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } };
  const app = checkConfig({
    issuer: "telemetry.example",
    applications: { app: { session, events, releases: { budget, queries: QUERIES[unit] } } },
  }, { development: true }).applications.get("app");
  const query = QUERIES[unit]?.[name];
  if (app === undefined || query === undefined) throw new Error(`No question ${name}.`);
  const plan = planOf(app, query), noise = noiseOf(plan), event = eventOf(app, query.event);
  const fields = plan.by.map((field) => fieldOf(event, field));
  const indexes = fields.reduce<number[][]>(
    (cells, field) =>
      cells.flatMap((cell) => Array.from({ length: valueCount(field) + 1 }, (_, i) => [...cell, i])),
    [[]],
  );
  const isRate = plan.among !== undefined;
  const cells = indexes.map((cell) => cell.join());
  const counted = (cell: string): readonly [number, number] => RUNNING[cell] ?? [0, 0];
  const people = cells.flatMap((cell) => {
    if (!isRate) return new Array<string>(LOADS[cell] ?? 0).fill(cell);
    const [having, among] = counted(cell);
    return [
      ...new Array<string>(having).fill(`${cell}+`),
      ...new Array<string>(among - having).fill(`${cell}-`),
    ];
  });
  const totals = new Map(cells.map((cell) => {
    const [marked, among] = counted(cell);
    const all = isRate ? among : LOADS[cell] ?? 0;
    return [cell, { people: all, events: all, marked }];
  }));
  const valuesOf = (cell: readonly number[]): CellValue[] =>
    cell.map((index, position) => {
      const field = fields[position];
      return field === undefined || index === valueCount(field) ? null : valueAtIndex(field, index);
    });
  return {
    release: {
      state: "published",
      id: "-",
      plan,
      noise,
      publishedAt: 0,
      early: false,
      breakdown: breakdownOf(plan, event),
      query: name,
      day: 0,
    },
    cells: isRate ? cells.flatMap((cell) => [`${cell}+`, `${cell}-`]) : cells,
    people,
    own: (random) => countFigures(plan, event, totals, random),
    figuresOf(counts) {
      const half = halfWidth(noise);
      const all = indexes.map((cell, at): Figure => {
        const [count = 0, others = 0] = isRate ? counts.slice(2 * at, 2 * at + 2) : [counts[at]];
        const figure = {
          cell: valuesOf(cell),
          count,
          lower: Math.max(0, count - half),
          upper: Math.max(0, count + half),
        };
        return isRate ? { ...figure, among: count + others } : figure;
      });
      const shownFrom = countsShownFrom(plan, noise, all.length);
      const figures = all.filter((figure) => sizeOf(figure) >= shownFrom);
      const hidden = all.filter((figure) => sizeOf(figure) < shownFrom);
      return { figures, shownFrom, withheld: hidden.length, hidden };
    },
  };
}

/** Everything that is told of a release: what it is, where it is said to be, where it is. */
type Told = readonly [what: string, said: Interval, truth: number];

function tellLoads(release: Release): Told[] {
  const derived = deriveFrom(release);
  if (derived === undefined) throw new Error("The release cannot be added up.");
  const sum = (holds: (cell: string) => boolean) =>
    Object.entries(LOADS).reduce((total, [cell, count]) => total + (holds(cell) ? count : 0), 0);
  const all = sum(() => true);
  const told: Told[] = [["all people", derived.all, all]];
  const linux = derived.values.find(({ value }) => value === "linux");
  if (linux !== undefined) {
    const truth = sum((cell) => cell.startsWith("0,"));
    told.push(["people on linux", linux, truth], ["share of linux", linux.share, truth / all]);
  }
  const edges = events.load.fields.ms.edges;
  for (const { quantile, among, interval } of derived.quantiles) {
    if (Object.keys(among).length > 0) continue;
    const upTo = (bucket: number) => sum((cell) => Number(cell.split(",")[1]) <= bucket);
    const bucket = [...edges.keys(), edges.length].find((index) => upTo(index) >= quantile * all);
    const from = edges.findIndex((edge) => edge === interval.from) + 1;
    const to = interval.to === null ? edges.length : edges.findIndex((edge) => edge === interval.to);
    told.push([`bucket of p${quantile * 100}`, { lower: from, upper: to }, bucket ?? edges.length]);
  }
  return told;
}

function tellRates(release: Release): Told[] {
  const cells = Object.entries(RUNNING).map(([index, truth]) =>
    [String(valueAtIndex(version, Number(index))), truth] as const
  );
  const figures = [...release.figures, ...release.hidden];
  const told = cells.flatMap(([name, [having, among]]): Told[] => {
    const figure = figures.find(({ cell }) => cell[0] === name);
    const rate = figure && rateOf(figure, release.noise);
    return rate === undefined ? [] : [[`rate of ${having} in ${among}`, rate, having / among]];
  });
  const all = deriveFrom(release)?.all.rate;
  const [having, among] = cells.reduce(([a, b], [, [c, d]]) => [a + c, b + d], [0, 0]);
  return all === undefined ? told : [...told, ["rate of all", all, having / among]];
}

interface Held {
  held: number;
  width: number;
  rounds: number;
}

function note(table: Map<string, Held>, told: readonly Told[]): void {
  for (const [what, { lower, upper }, truth] of told) {
    const row = table.get(what) ?? { held: 0, width: 0, rounds: 0 };
    row.rounds++;
    row.width += upper - lower;
    if (lower <= truth && truth <= upper) row.held++;
    table.set(what, row);
  }
}

async function drawn(
  releases: readonly Asked[],
): Promise<{ loss: number; accuracy: number; draws: number[][] }[]> {
  const folder = await Deno.makeTempDir();
  try {
    const run = async (command: string, args: string[], input?: string) => {
      const process = new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
        .spawn();
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input ?? ""));
      await writer.close();
      const { success, stdout } = await process.output();
      if (!success) throw new Error(`${command} ${args[0]} failed.`);
      return new TextDecoder().decode(stdout);
    };
    await run("python3", ["-m", "venv", folder]);
    await run(`${folder}/bin/pip`, [
      "--quiet",
      "--disable-pip-version-check",
      "install",
      `opendp==${VERSION}`,
    ]);
    const asked = releases.map(({ release: { noise }, cells, people }) => ({
      kind: noise.kind,
      scale: noise.kind === "laplace" ? toNumber(noise.scale) : Math.sqrt(toNumber(noise.variance)),
      cells,
      people,
    }));
    const script = new URL("opendp/draw.py", import.meta.url).pathname;
    const input = JSON.stringify({ rounds: ROUNDS, releases: asked });
    return JSON.parse(await run(`${folder}/bin/python`, [script], input));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

console.log(`${environment()}; OpenDP ${VERSION}; ${ROUNDS} releases each\n`);
const asked = ["epsilon", "rho"].flatMap((unit) => ["loads", "crash_rate"].map((name) => ask(unit, name)));
const answers = await drawn(asked);
const random = new UniformSource((length) => crypto.getRandomValues(new Uint8Array(length)), 4_096);
let isRight = true;
for (const [index, { release, own, figuresOf }] of asked.entries()) {
  const answer = answers[index];
  if (answer === undefined) throw new Error("OpenDP has left out a release.");
  const { cost } = release.plan;
  const half = halfWidth(release.noise);
  // OpenDP tells how far at least the least likely twentieth of the draws is, this service how far at most the others.
  const agrees = Math.abs(answer.loss / toNumber(cost.amount) - 1) < 1e-9 && half < answer.accuracy &&
    answer.accuracy <= half + 1 + 1e-9;
  if (!agrees) isRight = false;
  console.log(
    `${release.query}, ${release.noise.kind}: loss ${
      toNumber(cost.amount)
    }, OpenDP ${answer.loss}; half-width ${half}, ` +
      `OpenDP's accuracy ${answer.accuracy.toFixed(2)}${agrees ? "" : " DIFFERENT"}`,
  );
  const tell = release.plan.among === undefined ? tellLoads : tellRates;
  const [mine, theirs] = [new Map<string, Held>(), new Map<string, Held>()];
  for (const draw of answer.draws) {
    note(mine, tell({ ...release, ...own(random) }));
    note(theirs, tell({ ...release, ...figuresOf(draw) }));
  }
  console.table(Object.fromEntries([...mine].map(([what, { held, width, rounds }]) => {
    const other = theirs.get(what) ?? { held: 0, width: 0, rounds: 1 };
    const holds = Math.min(held / rounds, other.held / other.rounds) >= LEAST_HELD;
    if (!holds) isRight = false;
    return [what, {
      "held, own noise": (held / rounds).toFixed(3),
      "held, OpenDP's": (other.held / other.rounds).toFixed(3),
      "width, own": (width / rounds).toPrecision(3),
      "width, OpenDP's": (other.width / other.rounds).toPrecision(3),
      "": holds ? "" : "TOO SELDOM",
    }];
  })));
}
if (!isRight) Deno.exit(1);
