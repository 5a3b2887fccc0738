/**
 * The same claims in each engine, in turns: a file, KV Connect, PostgreSQL, and PostgreSQL that awaits a standby at every
 * commit. Each store is filled to a size before its turn; what counts are the ratios of one round.
 *
 * @module
 */
import type { Cluster } from "../../tests/support/postgres/cluster.ts";
import { startCluster } from "../../tests/support/postgres/cluster.ts";
import { startStandby } from "../../tests/support/postgres/standby.ts";
import { startKvEndpoint } from "../../tests/support/store/kv_endpoint.ts";
import { markdownTable, median } from "../statistics.ts";
import { type ClaimStore, fillClaims, measureGrouped, openClaimStore } from "./claims.ts";

/** As a deployment has it: a commit is on the disk before it is answered. */
const SETTINGS = ["fsync=on", "shared_buffers=512MB", "max_wal_size=4GB"];
const CLAIMS = 20_000;
const AT_ONCE = 512;
const CHILD = new URL("claiming_process.ts", import.meta.url).pathname;

/** A store that takes its turn. */
interface Contender {
  readonly name: string;
  readonly location: string;
  readonly claims: ClaimStore;
  readonly inFlight: number;
  /** Whether several processes may claim in it. */
  readonly shared: boolean;
}

/** Claims a second of so many processes at once, each of which claims as many. */
async function measureProcesses({ location }: Contender, processes: number): Promise<number> {
  const outputs = await Promise.all(Array.from({ length: processes }, async () => {
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--config=tests/deno.json", "--no-check", "--allow-all", CHILD, location, `${CLAIMS}`],
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("A process failed to claim");
    return new TextDecoder().decode(stdout).trim().split(" ").map(Number) as [number, number];
  }));
  // From when the last one began to when the first one ended all were at work.
  const [start, end] = [Math.min(...outputs.map(([at]) => at)), Math.max(...outputs.map(([, at]) => at))];
  return processes * CLAIMS / (end - start) * 1_000;
}

/** Bytes that a claim takes in PostgreSQL with its index, of its partition. */
async function bytesOfClaim(cluster: Cluster, url: string): Promise<string> {
  const said = await cluster.sql(
    "vacuum analyze dit.claims_1",
    new URL(url).pathname.slice(1),
  ).then(() =>
    cluster.sql(
      "select pg_total_relation_size('dit.claims_1') / greatest(count(*), 1) from dit.claims_1",
      new URL(url).pathname.slice(1),
    )
  );
  return said.trim();
}

/** Measures; the table of claims a second, and what a claim takes. */
export async function compareEngines(
  folder: string,
  sizes: readonly number[],
  rounds: number,
): Promise<string> {
  Deno.env.set("DENO_KV_ACCESS_TOKEN", "token-of-the-bench");
  const endpoint = await startKvEndpoint({ path: `${folder}/engines.sqlite3`, token: "token-of-the-bench" });
  await using alone = await startCluster(SETTINGS);
  await using primary = await startCluster(SETTINGS);
  await using _standby = await startStandby(primary);
  const open = async (name: string, location: string, inFlight: number): Promise<Contender> => ({
    name,
    location,
    claims: await openClaimStore(location),
    inFlight,
    shared: inFlight > 1,
  });
  const postgres = await alone.newDatabase();
  const contenders = [
    await open("a file", `${folder}/engines_file.sqlite3`, 1),
    await open("KV Connect", endpoint.url, 4),
    await open("PostgreSQL", postgres, 4),
    await open("PostgreSQL with a synchronous standby", await primary.newDatabase(), 4),
  ];
  const rows: string[][] = [];
  let filled = 0;
  for (const size of sizes) {
    for (const { claims } of contenders) await fillClaims(claims, size - filled);
    filled = size;
    const measured = new Map<string, number[]>();
    const keep = (name: string, rate: number) => measured.set(name, [...measured.get(name) ?? [], rate]);
    for (let round = -1; round < rounds; round++) {
      for (const contender of contenders) {
        const { name, claims, inFlight, shared } = contender;
        // Fewer of the slow one: what is compared is a rate.
        const count = name === "KV Connect" ? CLAIMS / 4 : CLAIMS;
        const one = await measureGrouped(claims, count, AT_ONCE, inFlight);
        if (round < 0) continue;
        keep(name, one);
        if (!shared || name === "KV Connect") continue;
        const single = await measureProcesses(contender, 1);
        for (const processes of [2, 3]) {
          keep(`${name}: ${processes} processes`, await measureProcesses(contender, processes) / single);
        }
      }
    }
    const ofFile = (name: string) =>
      median(measured.get(name)!.map((rate, round) => rate / measured.get("a file")![round]!));
    for (const { name } of contenders) {
      const scaled = [2, 3].map((processes) => measured.get(`${name}: ${processes} processes`));
      rows.push([
        `${size}`,
        name,
        median(measured.get(name)!).toFixed(0),
        `${ofFile(name).toFixed(2)} x`,
        ...scaled.map((ratios) => ratios === undefined ? "" : `${median(ratios).toFixed(2)} x`),
      ]);
    }
  }
  const bytes = await bytesOfClaim(alone, postgres);
  for (const { claims } of contenders) claims.store.close();
  await endpoint.stop();
  return markdownTable(
    ["rows", "engine", "claims a second", "of a file's", "two processes", "three processes"],
    rows,
  ) + `\n\nA claim takes ${bytes} bytes in PostgreSQL with its index.`;
}
