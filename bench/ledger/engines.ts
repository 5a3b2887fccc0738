/**
 * The same claims in each engine (bench/ledger/contenders.ts), in turns. Each store is filled to a size before its turn; one, two and three
 * processes claim for as long as a round lasts. CPU is told apart: where claiming processes and the database share the cores
 * of one machine, how much more two processes do than one says more of the machine than of the engine.
 *
 * @module
 */
import { ContenderProcess } from "../contenders/process.ts";
import type { Report } from "../report.ts";
import { markdownTable, median, withSpread } from "../statistics.ts";
import { type Claimed, fillClaims, openClaimStore } from "./claims.ts";
import { AT_ONCE, type Contender, openContenders } from "./contenders.ts";

/** Sizes and times of a comparison. */
export interface EnginesOptions {
  /** Rows in the store, one after the other. */
  readonly sizes: readonly number[];
  /** Rounds at each size. */
  readonly rounds: number;
  /** How long each claims in a round. */
  readonly seconds: number;
}

/** What so many processes did in one round. */
interface Turn {
  /** Claims a second of all. */
  readonly perSecond: number;
  /** Microseconds of CPU a claim. */
  readonly claiming: number;
  readonly database: number;
  /** Cores that were busy with it. */
  readonly cores: number;
}

const CHILD = new URL("claiming_process.ts", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url);

/** Starts as many processes as claim in a store at once. */
function startClaiming({ location, counts }: Contender): Promise<ContenderProcess[]> {
  const args = ["run", "--config=tests/deno.json", "--no-check", "--allow-all", CHILD, location];
  const launch = { command: Deno.execPath(), args, cwd: ROOT };
  return Promise.all(
    Array.from({ length: Math.max(...counts) }, async () => (await ContenderProcess.start(launch)).contender),
  );
}

async function takeTurn(
  contender: Contender,
  claiming: readonly ContenderProcess[],
  seconds: number,
): Promise<Turn> {
  const { atOnce, cpuMs = () => Promise.resolve(0) } = contender;
  const before = await cpuMs();
  const startedAt = performance.now();
  const answers = await Promise.all(
    claiming.map((process) => process.ask(`${seconds * 1_000} ${atOnce}`)),
  );
  const wallMs = performance.now() - startedAt;
  const databaseMs = await cpuMs() - before;
  const all: Claimed[] = answers.map((answer) => JSON.parse(answer));
  const sum = (pick: (claimed: Claimed) => number) =>
    all.reduce((total, claimed) => total + pick(claimed), 0);
  const claims = sum((claimed) => claimed.claims);
  const claimingMs = sum((claimed) => claimed.cpuMs);
  return {
    perSecond: sum((claimed) => claimed.claims / claimed.milliseconds * 1_000),
    claiming: claimingMs * 1_000 / claims,
    database: databaseMs * 1_000 / claims,
    cores: (claimingMs + databaseMs) / wallMs,
  };
}

/** Turns by contender, how many processes, and round. */
class Measured {
  readonly #turns = new Map<string, Turn[]>();

  keep(contender: Contender, count: number, turn: Turn): void {
    const key = `${contender.name} ${count}`;
    this.#turns.set(key, [...this.#turns.get(key) ?? [], turn]);
  }

  of(contender: Contender | undefined, count: number, pick: (turn: Turn) => number): number[] {
    return this.#turns.get(`${contender?.name} ${count}`)?.map(pick) ?? [];
  }
}

/** The median ratio, round by round. */
function ratio(above: readonly number[], below: readonly number[]): string {
  if (above.length === 0 || below.length === 0) return "";
  return `${median(above.map((value, round) => value / (below[round] ?? NaN))).toFixed(2)} x`;
}

const rateOf = ({ perSecond }: Turn) => perSecond;

/** A row each engine and number of processes, at one size. */
function rowsOf(
  size: number,
  contenders: readonly Contender[],
  measured: Measured,
  empty: Measured,
): string[][] {
  const [file, connect] = contenders;
  return contenders.flatMap((contender) =>
    contender.counts.map((count) => {
      const rates = measured.of(contender, count, rateOf);
      const middle = (pick: (turn: Turn) => number) => median(measured.of(contender, count, pick)).toFixed(1);
      const alone = contender.atOnce === AT_ONCE && count === 1;
      return [
        `${size}`,
        contender.name,
        `${count}`,
        withSpread(rates, 0),
        alone ? ratio(rates, measured.of(file, 1, rateOf)) : "",
        alone ? ratio(rates, measured.of(connect, 1, rateOf)) : "",
        ratio(empty.of(contender, count, rateOf), rates),
        ratio(rates, measured.of(contender, 1, rateOf)),
        middle(({ claiming }) => claiming),
        contender.cpuMs === undefined ? "" : middle(({ database }) => database),
        middle(({ cores }) => cores),
      ];
    })
  );
}

/** What docs/performance.md wants of the largest size. */
function tellFigures(
  report: Report,
  contenders: readonly Contender[],
  measured: Measured,
  empty: Measured,
): void {
  const [file, connect, postgres, , delayed] = contenders;
  const rates = measured.of(postgres, 1, rateOf);
  const over = (below: readonly number[], above = rates) =>
    median(above.map((rate, round) => rate / (below[round] ?? NaN)));
  report.figure("claims a second, PostgreSQL over KV Connect", over(measured.of(connect, 1, rateOf)), 2);
  report.figure("claims a second, PostgreSQL over a file, most rows", over(measured.of(file, 1, rateOf)), 2);
  report.figure("claims a second in PostgreSQL, most rows", median(rates), 0);
  const before = median(empty.of(postgres, 1, rateOf));
  report.figure("slower in PostgreSQL at most rows than at none", before / median(rates), 2);
  const [one, two] = [1, 2].map((count) => measured.of(delayed, count, rateOf));
  report.figure("two processes over one, where the cores are not the limit", over(one ?? [], two), 2);
}

/** Measures, and says the table of claims a second, and what a claim takes. */
export async function compareEngines(
  report: Report,
  folder: string,
  { sizes, rounds, seconds }: EnginesOptions,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders = await openContenders(folder, stack);
  const rows: string[][] = [];
  const bytes = new Map<string, string>();
  let filled = 0;
  let empty: Measured | undefined;
  let last: Measured | undefined;
  for (const size of sizes) {
    for (const contender of contenders) {
      // It makes the tables and the key, before several do at once.
      const claims = await openClaimStore(contender.location);
      const before = await contender.bytes();
      await fillClaims(claims, size - filled);
      claims.store.close();
      const added = await contender.bytes() - before;
      if (size > filled) bytes.set(contender.name, (added / (size - filled)).toFixed(0));
    }
    filled = size;
    const measured = new Measured();
    const claiming = new Map<Contender, ContenderProcess[]>();
    for (const contender of contenders) claiming.set(contender, await startClaiming(contender));
    for (let round = -1; round < rounds; round++) {
      for (const contender of contenders) {
        for (const count of contender.counts) {
          const turn = await takeTurn(contender, claiming.get(contender)?.slice(0, count) ?? [], seconds);
          // The first round warms everything up.
          if (round >= 0) measured.keep(contender, count, turn);
        }
      }
    }
    await Promise.all([...claiming.values()].flat().map((process) => process.stop()));
    empty ??= measured;
    last = measured;
    rows.push(...rowsOf(size, contenders, measured, empty));
  }
  const table = markdownTable(
    [
      "rows",
      "engine",
      "processes",
      "claims a second (least-most)",
      "of a file's",
      "of KV Connect's",
      "slower than at the first size",
      "of one process",
      "claiming CPU, us",
      "database CPU, us",
      "cores busy",
    ],
    rows,
  );
  report.say(table);
  report.say(markdownTable(["a claim without its record", "bytes"], [...bytes]));
  report.say(`${navigator.hardwareConcurrency} cores for claiming processes and database together.`);
  if (last !== undefined && empty !== undefined) tellFigures(report, contenders, last, empty);
}
