/**
 * The capacity plan in Markdown: what `deno task capacity` prints and docs/capacity.md holds.
 *
 * @module
 */
import { type Cost, COSTS } from "./capacity_costs.ts";
import { type Load, type Plan, planCapacity, storesFor, type Target, wallsOf } from "./capacity_plan.ts";
import { markdownTable } from "./table.ts";

const TARGETS: Readonly<Record<Target, string>> = {
  deploy: "Deno Deploy KV",
  denokv: "self-hosted denokv",
  file: "a file a region",
};
const ALL = Object.keys(TARGETS) as Target[];

const THOUSANDS = ["", " thousand", " million", " billion", " trillion", " quadrillion"];
const PREFIXES = [" ", " k", " M", " G", " T", " P"];

/** A number of three digits with its thousands in words or, with a unit, as a prefix. */
function compact(value: number, unit = ""): string {
  const names = unit === "" ? THOUSANDS : PREFIXES;
  const step = value < 1_000 ? 0 : Math.min(names.length - 1, Math.floor(Math.log10(value) / 3 + 1e-9));
  const scaled = value / 1_000 ** step;
  const digits = Number.isInteger(scaled) || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  return scaled.toFixed(digits) + names[step] + unit;
}

const bytes = (value: number) => compact(value, "B");
const dollars = (value: number) => `$ ${Math.round(value).toLocaleString("en")}`;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

type Row = readonly [string, (plan: Plan, load: Load, target: Target) => string];

const ROWS: readonly Row[] = [
  ["logs a day", ({ logs }) => compact(logs)],
  ["logs a second at the peak", ({ logs }, { peak }) => compact(logs / 86_400 * peak)],
  ["token requests a day", ({ tokenRequests }) => compact(tokenRequests)],
  ["tokens a day", ({ tokens }) => compact(tokens)],
  ["tokens evaluated a day", ({ evaluations }) => compact(evaluations)],
  ["cores, mean", ({ cores }) => compact(cores)],
  ["cores, peak", ({ peakCores }) => compact(peakCores)],
  ["processes", ({ processes }, _, target) => target === "file" ? "one a store" : compact(processes)],
  ["stores that it takes", (_, load, target) => {
    const stores = storesFor(load, target);
    return stores === undefined ? "unknown" : compact(stores);
  }],
  ["logs a commit", ({ group }) => compact(group)],
  ["commits a day", ({ commits }) => compact(commits)],
  ["commits a second and region at the peak", ({ peakCommits }) => compact(peakCommits)],
  ["rows written a day", ({ writes }) => compact(writes)],
  ["rows read a day", ({ reads }) => compact(reads)],
  ["write units a day", ({ writeUnits }, _, target) => target === "deploy" ? compact(writeUnits) : "-"],
  ["read units a day", ({ readUnits }, _, target) => target === "deploy" ? compact(readUnits) : "-"],
  ["stored a day", ({ addedBytes }) => bytes(addedBytes)],
  ["kept", ({ keptBytes }) => bytes(keptBytes)],
  ["from clients a day", ({ bytesUp }) => bytes(bytesUp)],
  ["to clients a day", ({ bytesDown }) => bytes(bytesDown)],
  ["from clients at the peak", ({ bytesUp }, { peak }) => compact(bytesUp * 8 / 86_400 * peak, "bit/s")],
  ["bill a day", ({ bill }, _, target) => target === "deploy" ? dollars(sum(Object.values(bill))) : "-"],
  ...(["requests", "write units", "egress"] as const).map((item): Row => [
    `of it ${item}`,
    ({ bill }, _, target) => target === "deploy" ? dollars(bill[item]) : "-",
  ]),
];

/** What one load costs everywhere, and its first walls. */
export function loadPage(load: Load): string {
  const plans = new Map(ALL.map((target) => [target, planCapacity(load, target)]));
  const { tokensPerClient } = plans.get("file")!;
  return [
    markdownTable(
      [
        "clients a day",
        "logs each",
        "events a log",
        "uses a token",
        "tokens a request",
        "share that sends",
        "regions",
        "days kept",
        "peak",
        "tokens a client and day",
      ],
      [[
        compact(load.clients),
        ...[load.logs, load.events, load.uses, load.batch, load.sample, load.regions, load.retention].map(
          String,
        ),
        `x ${load.peak}`,
        String(tokensPerClient),
      ]],
    ),
    markdownTable(
      ["", ...ALL.map((target) => TARGETS[target])],
      ROWS.map(([name, show]) => [name, ...ALL.map((target) => show(plans.get(target)!, load, target))]),
    ),
    markdownTable(
      ["walls, the first one first", "at so many clients a day"],
      ALL.flatMap((target) => {
        const walls = wallsOf(load, target);
        if (walls.length === 0) return [[`${TARGETS[target]}: none is published; the bill`, "-"]];
        return walls.map(({ what, clients }) => [`${TARGETS[target]}: ${what}`, compact(clients)]);
      }),
    ),
  ].join("\n\n");
}

/** One thing changed, everything else as it was. */
const LEVERS: readonly (readonly [string, (load: Load) => Partial<Load>])[] = [
  ["one use a token", () => ({ uses: 1 })],
  ["one use a token, a request each", () => ({ uses: 1, batch: 1 })],
  ["16 uses a token", () => ({ uses: 16 })],
  ["5 logs sent as one", ({ events, logs }) => ({ events: events * 5, logs: logs / 5 })],
  ["a tenth of the clients sends", ({ sample }) => ({ sample: sample / 10 })],
  ["four times the regions", ({ regions }) => ({ regions: regions * 4 })],
  ["a week of retention", () => ({ retention: 7 })],
];

/** What turning one thing changes, as ratios to the load as it is. */
export function leversPage(load: Load): string {
  const ratio = (changed: number, before: number) => (changed / before).toFixed(2);
  const rows = LEVERS.map(([name, change]) => {
    const turned = { ...load, ...change(load) };
    const [deploy, before] = [planCapacity(turned, "deploy"), planCapacity(load, "deploy")];
    return [
      name,
      ratio(deploy.cores, before.cores),
      ratio(deploy.commits, before.commits),
      ratio(deploy.writeUnits, before.writeUnits),
      ratio(deploy.keptBytes, before.keptBytes),
      ratio(deploy.bytesUp, before.bytesUp),
      ...(["denokv", "file"] as const).map((target) =>
        ratio(wallsOf(turned, target)[0]!.clients, wallsOf(load, target)[0]!.clients)
      ),
    ];
  });
  return markdownTable(
    [
      "turned",
      "cores",
      "commits",
      "write units",
      "kept",
      "bytes up",
      "first wall, denokv",
      "first wall, file",
    ],
    rows,
  );
}

/** Every number that the plan rests on. */
export function costsPage(): string {
  return markdownTable(
    ["what", "value", "kind", "source"],
    (Object.values(COSTS) as Cost[]).map(({ what, value, unit, kind, source }) => [
      what,
      `${value >= 1e6 ? value.toExponential() : value.toLocaleString("en")} ${unit}`.trim(),
      kind,
      source,
    ]),
  );
}
