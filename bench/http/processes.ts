/**
 * Whole logs of one process on a file, and of one and two on PostgreSQL, with what the load generator and the database take
 * of the same cores: nothing is moved to a core of its own here.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { type Cluster, NO_POSTGRES, startCluster } from "../../tests/support/postgres/cluster.ts";
import { spawnService } from "../../tests/support/processes/spawned_service.ts";
import { clusterCpuMs } from "../ledger/cluster_cpu.ts";
import { SETTINGS } from "../ledger/postgres_settings.ts";
import { markdownTable, median, withSpread } from "../statistics.ts";
import { percentile, runLoad } from "./load.ts";
import { Mint } from "./mint.ts";
import { firstUses, laterUses, secondUses, tokensFor } from "./requests.ts";

const CONNECTIONS = 64;

/** Some processes of the service on one store. */
interface Fleet {
  readonly name: string;
  readonly mint: Mint;
  readonly processes: readonly { readonly port: number; readonly pid: number }[];
  readonly databaseMs: () => Promise<number>;
  perSecond: number;
}

/** What a round of a fleet took. */
interface Round {
  readonly perSecond: number;
  /** Milliseconds of CPU a log. */
  readonly service: number;
  readonly database: number;
  readonly generator: number;
  readonly cores: number;
  readonly p99: number;
}

/** How it is measured. */
export interface ProcessesOptions {
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Logs before what counts. */
  readonly warmUp: number;
}

/** What a fleet takes of its logs goes to each of its processes alike; each knows the tokens, as after many uses of each. */
async function measure({ mint, processes, databaseMs }: Fleet, count: number): Promise<Round> {
  const tokens = mint.tokens(tokensFor(count));
  const [one, other] = processes;
  if (one === undefined) throw new RangeError("There is no process");
  await runLoad({ ...one, requests: firstUses(tokens), connections: 8 });
  if (other !== undefined) await runLoad({ ...other, requests: secondUses(tokens), connections: 8 });
  const requests = laterUses(tokens, count, processes.length);
  const shares = processes.map((_, index) => requests.filter((_, at) => at % processes.length === index));
  const [before, own, startedAt] = [await databaseMs(), cpuUsage(), performance.now()];
  const results = await Promise.all(
    processes.map((process, index) =>
      runLoad({ ...process, requests: shares[index] ?? [], connections: CONNECTIONS / processes.length })
    ),
  );
  const wallMs = performance.now() - startedAt;
  const { user, system } = cpuUsage(own);
  const database = (await databaseMs() - before) / count;
  const generator = (user + system) / 1_000 / count;
  const service = results.reduce((sum, { serverCpuMs, accepted }) => sum + serverCpuMs * accepted, 0) / count;
  return {
    perSecond: count / wallMs * 1_000,
    service,
    database,
    generator,
    cores: (service + database + generator) * count / wallMs,
    p99: Math.max(...results.map(({ latencies }) => percentile(latencies, 0.99))),
  };
}

/** Starts the processes of a fleet on a store whose keys are made. */
async function startFleet(
  stack: AsyncDisposableStack,
  { name, folder, location, count, cluster }: {
    readonly name: string;
    readonly folder: string;
    readonly location: string;
    readonly count: number;
    readonly cluster?: Cluster;
  },
): Promise<Fleet> {
  const mint = await Mint.open(location);
  const services = Array.from({ length: count }, () => spawnService({ folder, kv: location }));
  for (const service of services) stack.use(service);
  await Promise.all(services.map((service) => service.ready()));
  return {
    name,
    mint,
    processes: services.map(({ port, child: { pid } }) => ({ port, pid })),
    databaseMs: () => cluster === undefined ? Promise.resolve(0) : clusterCpuMs(cluster),
    perSecond: 0,
  };
}

/** Measures in turns and gives a table, or says why there is none. */
export async function compareProcesses(options: ProcessesOptions): Promise<string> {
  if (NO_POSTGRES !== undefined) return `No processes on PostgreSQL: ${NO_POSTGRES}.`;
  const { folder, rounds, seconds, warmUp } = options;
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster(SETTINGS));
  const onPostgres = async (count: number) =>
    await startFleet(stack, {
      name: `PostgreSQL, ${count === 1 ? "one process" : `${count} processes`}`,
      folder,
      location: await cluster.newDatabase(),
      count,
      cluster,
    });
  const fleets = [
    await startFleet(stack, {
      name: "a file, one process",
      folder,
      location: `${folder}/processes.sqlite3`,
      count: 1,
    }),
    await onPostgres(1),
    await onPostgres(2),
  ];
  const measured = new Map<Fleet, Round[]>(fleets.map((fleet) => [fleet, []]));
  for (const fleet of fleets) fleet.perSecond = (await measure(fleet, warmUp)).perSecond;
  for (let round = 0; round < rounds; round++) {
    for (const fleet of fleets) {
      const result = await measure(fleet, Math.ceil(fleet.perSecond * seconds));
      fleet.perSecond = result.perSecond;
      measured.get(fleet)?.push(result);
    }
  }
  const [, alone] = fleets;
  return markdownTable(
    [
      "reused token",
      "a second (least-most)",
      "of one on PostgreSQL",
      "service CPU, ms each",
      "database CPU, ms each",
      "load generator's CPU, ms each",
      "cores busy",
      "p99, ms",
    ],
    [...measured].map(([fleet, results]) => {
      const middle = (pick: (round: Round) => number) => median(results.map(pick));
      const ofOne = results.map(({ perSecond }, round) =>
        perSecond / (alone && measured.get(alone)?.[round]?.perSecond || NaN)
      );
      return [
        fleet.name,
        withSpread(results.map(({ perSecond }) => perSecond), 0),
        `${median(ofOne).toFixed(2)} x`,
        middle(({ service }) => service).toFixed(4),
        middle(({ database }) => database).toFixed(4),
        middle(({ generator }) => generator).toFixed(4),
        middle(({ cores }) => cores).toFixed(2),
        middle(({ p99 }) => p99).toFixed(1),
      ];
    }),
  );
}
