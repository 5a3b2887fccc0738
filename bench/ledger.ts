/**
 * `deno task bench:ledger`: the numbers of the redemption ledger (docs/performance.md): claims a second in each engine of
 * the store, the stall that a sweep causes, memory. What is compared takes turns, so that a noisy machine hurts all alike;
 * ratios are medians of the ratios of single rounds.
 *
 * `--sizes=0,100000,1000000` rows in the stores, `--rounds=3` of `--seconds=3`, `--sweep=1000000` ended rows,
 * `--millions=1,10` redemptions for memory (0 rounds, rows or redemptions leave a part out), `--write`
 * (docs/performance.md).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { compareEngines } from "./ledger/engines.ts";
import { percentile } from "./http/load.ts";
import { SETTINGS } from "./ledger/postgres_settings.ts";
import { measureSweep, rowsOf } from "./ledger/sweep.ts";
import { NO_POSTGRES, startCluster } from "../tests/support/postgres/cluster.ts";
import { Report } from "./report.ts";
import { markdownTable } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "0,100000,1000000" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    sweep: { type: "string", default: "1000000" },
    millions: { type: "string", default: "1,10" },
    write: { type: "boolean", default: false },
  },
});
const numbers = (text: string) => text.split(",").map(Number);
const rounds = Number(values.rounds);
const folder = await Deno.makeTempDir();
const report = new Report("bench:ledger", `${rounds} rounds, medians`);

/** On a file and in PostgreSQL, where there is one. */
async function showSweep(rows: number): Promise<void> {
  const options = { folder, rows, rates: [100, 2_000], seconds: 8 };
  const onFile = await measureSweep({ ...options, location: `${folder}/sweep.sqlite3` });
  const table = rowsOf("a file", rows, onFile);
  const [calm] = onFile.waits;
  const longest = (times: readonly number[] = []) => percentile(times, 1);
  const more = longest(calm?.sweeping) - longest(calm?.quiet);
  report.figure("longest log beside a sweep, ms more than without", more, 1);
  if (NO_POSTGRES === undefined) {
    await using cluster = await startCluster(SETTINGS);
    const location = await cluster.newDatabase();
    table.push(...rowsOf("PostgreSQL", rows, await measureSweep({ ...options, location })));
  } else report.say(`No sweep in PostgreSQL: ${NO_POSTGRES}.`);
  report.say(markdownTable(["a log, ms", "logs a second", "while", "p50", "p99", "p99.9", "longest"], table));
}

async function showMemory(millions: readonly number[]): Promise<void> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--config=tests/deno.json", "--no-check", "--allow-all"],
      "bench/ledger/memory.ts",
      ...millions.map(String),
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The redemptions failed");
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  report.say(markdownTable(["redemptions, millions", "resident MiB"], lines.map((line) => line.split(" "))));
}

try {
  if (rounds > 0) {
    report.say(`Claims with their records, ${values.seconds} s of each in turn:`);
    const sizes = numbers(values.sizes);
    await compareEngines(report, folder, { sizes, rounds, seconds: Number(values.seconds) });
  }
  if (Number(values.sweep) > 0) {
    report.say("Logs beside the sweep of a key that has ended:");
    await showSweep(Number(values.sweep));
  }
  if (numbers(values.millions).some((millions) => millions > 0)) {
    report.say("Memory, against a store that keeps nothing:");
    await showMemory(numbers(values.millions));
  }
  await report.keep();
} finally {
  await Deno.remove(folder, { recursive: true });
}
