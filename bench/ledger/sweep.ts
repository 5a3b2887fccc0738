/**
 * What a maintenance pass over many ended rows does to the logs beside it: a service of its own starts on a store in which
 * the claims of an ended key lie, sweeps them as after every start, and takes logs meanwhile; then the same logs once
 * nothing is swept any more.
 *
 * @module
 */
import { ENDED_KEYS } from "../../core/keys/families.ts";
import { spawnService } from "../../tests/support/processes/spawned_service.ts";
import { setRow } from "../../tests/support/store/rows.ts";
import { percentile, runLoad } from "../http/load.ts";
import { APP, Mint } from "../http/mint.ts";
import { firstUses, laterUses, tokensFor } from "../http/requests.ts";
import { fillClaims, openClaimStore } from "./claims.ts";

/** How it is measured. */
export interface SweepOptions {
  readonly folder: string;
  /** `DIT_KV`: a file, or the URL of a database, neither of which is there yet. */
  readonly location: string;
  /** Claims of the ended key. */
  readonly rows: number;
  /** Logs a second. */
  readonly rates: readonly number[];
  /** How long each rate lasts. */
  readonly seconds: number;
}

/** Milliseconds that logs took at a rate, sorted. */
export interface Waits {
  readonly rate: number;
  readonly sweeping: readonly number[];
  readonly quiet: readonly number[];
}

/** What came of it. */
export interface Swept {
  readonly waits: readonly Waits[];
  /** Seconds from the start of the service to the end of its maintenance. */
  readonly sweepSeconds: number;
}

/** An ordinal that no key of the service gets. */
const ENDED = 1_000_000;
const CONNECTIONS = 64;
const WARM_UP = 10_000;

/** Makes the store with the rows that are to be swept; gives tokens of its living key. */
async function prepare({ location, rows }: SweepOptions): Promise<Mint> {
  const mint = await Mint.open(location);
  const claims = await openClaimStore(location);
  await fillClaims(claims, rows, ENDED);
  const ended = { app: APP, region: "local", epoch: 0, generation: 0, claimsAfter: 0 };
  await setRow(claims.store, ENDED_KEYS.key(ENDED), ended);
  claims.store.close();
  return mint;
}

/** Measures on one store. */
export async function measureSweep(options: SweepOptions): Promise<Swept> {
  const { folder, location, rates, seconds } = options;
  const mint = await prepare(options);
  const startedAt = performance.now();
  await using service = spawnService({ folder, kv: location });
  await service.ready();
  const swept = service.until("maintenance").then(() => (performance.now() - startedAt) / 1_000);
  let isOver = false;
  swept.then(() => isOver = true);
  const target = { port: service.port, pid: service.child.pid };
  const send = async (count: number, rate?: number) => {
    const tokens = mint.tokens(tokensFor(count));
    await runLoad({ ...target, requests: firstUses(tokens), connections: 8 });
    const requests = laterUses(tokens, count);
    return (await runLoad({ ...target, requests, connections: CONNECTIONS, rate })).latencies;
  };
  const sendAll = async () => {
    const all: (readonly number[])[] = [];
    for (const rate of rates) all.push(await send(rate * seconds, rate));
    return all;
  };
  await send(WARM_UP);
  const sweeping = await sendAll();
  if (isOver) throw new Error("The sweep was over before the logs were: take more rows");
  const sweepSeconds = await swept;
  const quiet = await sendAll();
  const waits = rates.map((rate, index) => ({
    rate,
    sweeping: sweeping[index] ?? [],
    quiet: quiet[index] ?? [],
  }));
  return { waits, sweepSeconds };
}

/** A row of the table: the rate, and what logs took with the sweep and without it. */
export function rowsOf(engine: string, rows: number, { waits, sweepSeconds }: Swept): string[][] {
  return waits.flatMap(({ rate, sweeping, quiet }) => {
    const row = (name: string, times: readonly number[]) => [
      engine,
      `${rate}`,
      name,
      ...[0.5, 0.99, 0.999, 1].map((share) => percentile(times, share).toFixed(1)),
    ];
    return [
      row("nothing is swept", quiet),
      row(`${rows.toLocaleString("en")} rows are swept (${sweepSeconds.toFixed(0)} s)`, sweeping),
    ];
  });
}
