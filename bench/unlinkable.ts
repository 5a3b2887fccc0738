/**
 * `deno task bench:unlinkable`: what a day of a client costs its deployment where no two logs can be linked, against
 * tokens of 64 uses, at 20 and at 200 logs: CPU of the service's process, bytes of HTTP/1.1 on the wire, and what the day
 * leaves in the store. Real tokens and bodies as the SDK pads them, over loopback, on files; the kinds take turns.
 *
 * `--rounds=5`, `--logs=4000` in a round of each kind, `--write` (docs/measurements.md).
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { Config } from "../core/config/types.ts";
import { runMaintenance } from "../core/jobs/maintenance.ts";
import linkable from "../tests/faults/config.ts";
import { spawnService } from "../tests/support/processes/spawned_service.ts";
import { CORES, moveToGeneratorCore, onServerCore } from "./http/cores.ts";
import { cpuMs } from "./http/load.ts";
import { APP, assembleOn, now } from "./http/mint.ts";
import { WireConnection } from "./http/wire_connection.ts";
import { Report } from "./report.ts";
import { markdownTable, median, withSpread } from "./statistics.ts";
import unlinkable from "./unlinkable/config.ts";
import { type Day, Days, type Habit } from "./unlinkable/days.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    logs: { type: "string", default: "4000" },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const LOGS = Number(values.logs);
/** Until a process is compiled. */
const WARM_UP_ROUNDS = 3;
const CONNECTIONS = 32;
const A_DAY = [20, 200];

/** A way to give tokens, and the service that is configured so. */
interface Kind extends Habit {
  readonly name: string;
  readonly config: Config;
  readonly file: string;
}

const ONE = { usesPerToken: 1, pseudonym: false, config: unlinkable, file: "bench/unlinkable/config.ts" };
const KINDS: readonly Kind[] = [
  {
    ...{ name: "64 uses, a pseudonym", usesPerToken: 64, batch: 1, pseudonym: true },
    ...{ config: linkable, file: "tests/faults/config.ts" },
  },
  { ...ONE, name: "unlinkable", batch: 128 },
  { ...ONE, name: "unlinkable, `maxBatch: 32`", batch: 32 },
];

/** What days cost, each divided by their number. */
interface Cost {
  readonly cpu: number;
  readonly tokensCpu: number;
  readonly up: number;
  readonly down: number;
  readonly requests: number;
}

/** One kind at one number of logs, on a service and a file of its own. */
interface Contender {
  readonly kind: Kind;
  readonly logs: number;
  readonly path: string;
  readonly days: Days;
  readonly service: ReturnType<typeof spawnService>;
  readonly costs: Cost[];
  lived: number;
}

/** Rows and bytes of a store that no process has open. */
function sizeOf(path: string): { rows: number; bytes: number } {
  using database = new DatabaseSync(path);
  database.exec("pragma wal_checkpoint(truncate)");
  const { rows, bytes } = database.prepare("select count(*) rows, sum(length(k) + length(v)) bytes from kv")
    .get() as { rows: number; bytes: number };
  return { rows, bytes };
}

/** Sends all requests; the bytes that came back. */
async function send(wires: readonly WireConnection[], requests: readonly Uint8Array[]): Promise<number> {
  let next = 0;
  let bytes = 0;
  await Promise.all(wires.map(async (wire) => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const { status, body, length } = await wire.exchange(request);
      if (status !== 200) throw new Error(`Answered ${status}: ${new TextDecoder().decode(body)}`);
      bytes += length;
    }
  }));
  return bytes;
}

/** Requests of many clients as they come: the first of each, then the second. */
function inTurn(days: readonly Day[], of: (day: Day) => readonly Uint8Array[]): Uint8Array[] {
  const most = Math.max(...days.map((day) => of(day).length));
  return Array.from({ length: most }, (_, at) => days.flatMap((day) => of(day)[at] ?? [])).flat();
}

async function liveDays({ kind, logs, days, service, lived: _ }: Contender): Promise<[number, Cost]> {
  const clients = Math.ceil(LOGS / logs);
  const all = await Promise.all(Array.from({ length: clients }, () => days.make(kind, logs)));
  const asked = inTurn(all, ({ tokens }) => tokens);
  const logged = inTurn(all, ({ logs }) => logs);
  const { port, child: { pid } } = service;
  const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => WireConnection.open(port)));
  const [before, fetched] = [cpuMs(pid), await send(wires, asked)];
  const between = cpuMs(pid);
  const down = fetched + await send(wires, logged);
  const cpu = cpuMs(pid) - before;
  for (const wire of wires) wire.close();
  const up = [...asked, ...logged].reduce((sum, { length }) => sum + length, 0);
  const requests = asked.length + logged.length;
  const sums = { cpu, tokensCpu: between - before, up, down, requests };
  return [
    clients,
    Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / clients])) as unknown as Cost,
  ];
}

const folder = await Deno.makeTempDir();
const contenders: Contender[] = [];
try {
  moveToGeneratorCore();
  const before = new Map<Contender, { rows: number; bytes: number }>();
  for (const kind of KINDS) {
    for (const logs of A_DAY) {
      const own = `${folder}/${contenders.length}`;
      await Deno.mkdir(own);
      const path = `${own}/kv.sqlite3`;
      const { service: made, close } = await assembleOn(path, kind.config);
      await runMaintenance(made);
      const key = await made.ringOf(APP).issuing(now());
      await close();
      const DIT_CONFIG = new URL(`../${kind.file}`, import.meta.url).pathname;
      const size = sizeOf(path);
      const service = spawnService({ folder: own, wrap: onServerCore, env: { DIT_CONFIG } });
      const contender = { kind, logs, path, days: new Days(key), service, costs: [], lived: 0 };
      contenders.push(contender);
      before.set(contender, size);
      await service.ready();
    }
  }
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const turn of contenders.keys()) {
      const contender = contenders[(turn + round + WARM_UP_ROUNDS) % contenders.length];
      if (contender === undefined) continue;
      const [clients, cost] = await liveDays(contender);
      contender.lived += clients;
      if (round >= 0) contender.costs.push(cost);
    }
  }
  await Promise.all(contenders.map(({ service }) => service.end("SIGTERM")));
  const report = new Report(
    "bench:unlinkable",
    `${CONNECTIONS} connections, ${CORES}; after ${WARM_UP_ROUNDS} rounds ${ROUNDS} of ${LOGS} logs of each kind in turn, medians`,
  );
  for (const logs of A_DAY) {
    const same = contenders.filter((contender) => contender.logs === logs);
    report.say(`A client's day of ${logs} logs:`);
    report.say(markdownTable(
      [
        "",
        "CPU, ms (least-most)",
        "ratio",
        "of it tokens, ms",
        "requests",
        "KiB up",
        "KiB down",
        "rows",
        "KiB in the store",
      ],
      same.map((contender) => {
        const { kind, costs, path, lived } = contender;
        const of = (what: keyof Cost) => median(costs.map((cost) => cost[what]));
        const first = same[0]?.costs ?? [];
        const [start, end] = [before.get(contender), sizeOf(path)];
        return [
          kind.name,
          withSpread(costs.map(({ cpu }) => cpu), 2),
          median(costs.map(({ cpu }, round) => cpu / (first[round]?.cpu ?? NaN))).toFixed(2),
          of("tokensCpu").toFixed(2),
          of("requests").toFixed(0),
          (of("up") / 1_024).toFixed(1),
          (of("down") / 1_024).toFixed(1),
          ((end.rows - (start?.rows ?? 0)) / lived).toFixed(1),
          ((end.bytes - (start?.bytes ?? 0)) / 1_024 / lived).toFixed(1),
        ];
      }),
    ));
  }
  await report.keep();
} finally {
  await Promise.allSettled(contenders.map(({ service }) => service.end("SIGTERM")));
  await Deno.remove(folder, { recursive: true });
}
