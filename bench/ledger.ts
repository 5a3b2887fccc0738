/**
 * `deno task bench:ledger`: the numbers of the redemption ledger (docs/performance.md). What is compared takes turns, so
 * that a noisy machine hurts all alike; ratios are medians of the ratios of single rounds.
 *
 * `--sizes=0,100000,1000000` rows in the store, `--rounds=5`, `--sweep=400000` ended rows, `--millions=1,10` redemptions
 * for memory (0 leaves a part out), `--write` (docs/performance.md).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { fillClaims, measureGrouped, measureSingle, openClaimStore } from "./ledger/claims.ts";
import { measureSweepStall } from "./ledger/stall.ts";
import { percentile } from "./http/load.ts";
import { startKvEndpoint } from "../tests/support/store/kv_endpoint.ts";
import { Report } from "./report.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "0,100000,1000000" },
    rounds: { type: "string", default: "5" },
    sweep: { type: "string", default: "400000" },
    millions: { type: "string", default: "1,10" },
    write: { type: "boolean", default: false },
  },
});
const numbers = (text: string) => text.split(",").map(Number);
const rounds = Number(values.rounds);
const folder = await Deno.makeTempDir();
const report = new Report("bench:ledger", `${rounds} rounds, medians`);

async function compareCommits(): Promise<void> {
  const claims = await openClaimStore(`${folder}/claims.sqlite3`);
  const rows: string[][] = [];
  let size = 0;
  for (const wanted of numbers(values.sizes)) {
    await fillClaims(claims, wanted - size);
    size = wanted;
    for (const atOnce of [64, 256]) {
      const measured: { grouped: number; single: number }[] = [];
      for (let round = -1; round < rounds; round++) {
        const grouped = await measureGrouped(claims, 2_000, atOnce);
        const single = await measureSingle(claims, 500, atOnce);
        // The first round warms everything up.
        if (round >= 0) measured.push({ grouped, single });
      }
      rows.push([
        String(wanted),
        String(atOnce),
        median(measured.map(({ grouped }) => grouped)).toFixed(0),
        median(measured.map(({ single }) => single)).toFixed(0),
        `${median(measured.map(({ grouped, single }) => grouped / single)).toFixed(1)} x`,
      ]);
    }
  }
  claims.store.close();
  report.say(
    markdownTable(["rows in the store", "at once", "grouped, a second", "one by one", "ratio"], rows),
  );
}

/** Through KV Connect, where a commit takes 10 checks: official engine, an HTTP server of this process around it. */
async function compareEndpoint(): Promise<void> {
  Deno.env.set("DENO_KV_ACCESS_TOKEN", "token-of-the-bench");
  const path = `${folder}/endpoint.sqlite3`;
  const endpoint = await startKvEndpoint({ path, token: "token-of-the-bench" });
  const claims = await openClaimStore(endpoint.url);
  const rates: number[] = [];
  const written: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const before = endpoint.counts.writes;
    const rate = await measureGrouped(claims, 2_000, 256, 4);
    if (round < 0) continue;
    rates.push(rate);
    written.push(2_000 / (endpoint.counts.writes - before));
  }
  claims.store.close();
  await endpoint.stop();
  report.say(markdownTable(["through KV Connect, 256 at once", "a second", "claims a commit"], [
    ["ten checks a commit, four commits at once", median(rates).toFixed(0), median(written).toFixed(1)],
  ]));
}

async function showStall(rows: number): Promise<void> {
  const claims = await openClaimStore(`${folder}/sweep.sqlite3`);
  const { quiet, sweeping, sweepSeconds } = await measureSweepStall(claims, rows);
  claims.store.close();
  const row = (name: string, times: readonly number[]) => [
    name,
    String(times.length),
    ...[0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(1)),
  ];
  report.say(markdownTable(["a claim, ms", "claims", "p50", "p99", "longest"], [
    row("without a sweep", quiet),
    row(`beside the sweep of ${rows} rows (${sweepSeconds.toFixed(0)} s)`, sweeping),
  ]));
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
  report.say("Claims with their records on an SQLite file:");
  await compareCommits();
  await compareEndpoint();
  if (Number(values.sweep) > 0) {
    report.say("The stall that a sweep causes:");
    await showStall(Number(values.sweep));
  }
  if (numbers(values.millions).some((millions) => millions > 0)) {
    report.say("Memory, against a store that keeps nothing:");
    await showMemory(numbers(values.millions));
  }
  await report.keep();
} finally {
  await Deno.remove(folder, { recursive: true });
}
