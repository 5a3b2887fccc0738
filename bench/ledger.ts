// deno-lint-ignore-file no-console -- a bench speaks to a person.
/**
 * `deno task bench:ledger`: the numbers of the redemption ledger (docs/performance.md). What is compared takes turns, so
 * that a noisy machine hurts all alike; ratios are medians of the ratios of single rounds.
 *
 * `--sizes=0,100000,1000000` rows in the store, `--rounds=5`, `--sweep=400000` ended rows, `--millions=1,10` redemptions
 * for memory (0 leaves a part out).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { environment } from "./environment.ts";
import { measureHttp } from "./ledger/http.ts";
import { fillClaims, measureGrouped, measureSingle, openClaimStore } from "./ledger/claims.ts";
import { measureSweepStall } from "./ledger/stall.ts";
import { percentile } from "./http/load.ts";
import { markdownTable, median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "0,100000,1000000" },
    rounds: { type: "string", default: "5" },
    sweep: { type: "string", default: "400000" },
    millions: { type: "string", default: "1,10" },
    logs: { type: "string", default: "4000" },
  },
});
const numbers = (text: string) => text.split(",").map(Number);
const rounds = Number(values.rounds);
const folder = await Deno.makeTempDir();

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
  console.log(
    markdownTable(["rows in the store", "at once", "grouped, a second", "one by one", "ratio"], rows),
  );
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
  console.log(markdownTable(["a claim, ms", "claims", "p50", "p99", "longest"], [
    row("without a sweep", quiet),
    row(`beside the sweep of ${rows} rows (${sweepSeconds.toFixed(0)} s)`, sweeping),
  ]));
}

async function showMemory(millions: readonly number[]): Promise<void> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", "bench/ledger/memory.ts", ...millions.map(String)],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The redemptions failed");
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  console.log(markdownTable(["redemptions, millions", "resident MiB"], lines.map((line) => line.split(" "))));
}

try {
  console.log(`${environment()}; ${rounds} rounds, medians`);
  console.log("\nClaims with their records on an SQLite file\n");
  await compareCommits();
  console.log("\nWhole requests over loopback, 64 connections, tokens that have been used before\n");
  console.log(await measureHttp(rounds, Number(values.logs)));
  if (Number(values.sweep) > 0) {
    console.log("\nThe stall that a sweep causes\n");
    await showStall(Number(values.sweep));
  }
  if (numbers(values.millions).some((millions) => millions > 0)) {
    console.log("\nMemory, against a store that keeps nothing\n");
    await showMemory(numbers(values.millions));
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
