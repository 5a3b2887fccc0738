/**
 * What a sweep of many ended rows does to the commits beside it.
 *
 * @module
 */
import { Committer } from "../../core/ledger/committer.ts";
import { sweepEndedKeys } from "../../core/jobs/ended_keys.ts";
import { ENDED_KEYS } from "../../core/keys/families.ts";
import { type ClaimStore, fillClaims, makeClaim, random } from "./claims.ts";
import { setRow } from "../../tests/support/store/rows.ts";

/** Milliseconds that claims took, sorted. */
export interface Stalls {
  /** Before the sweep. */
  readonly quiet: readonly number[];
  /** While it ran. */
  readonly sweeping: readonly number[];
  /** Seconds that the sweep took. */
  readonly sweepSeconds: number;
}

const ENDED = 2;
const PAUSE_MS = 5;

/** Sweeps `rows` claims of an ended key, at the pace of the service, beside claims that come one after the other. */
export async function measureSweepStall(claims: ClaimStore, rows: number): Promise<Stalls> {
  await fillClaims(claims, rows, ENDED);
  await setRow(claims.store, ENDED_KEYS.key(ENDED), {
    app: "load",
    region: "local",
    epoch: 0,
    generation: 0,
    claimsAfter: 0,
  });
  const committer = new Committer(claims.store, random);
  const claimUntil = async (isOver: () => boolean): Promise<number[]> => {
    const latencies: number[] = [];
    while (!isOver()) {
      const startedAt = performance.now();
      await committer.submit(makeClaim(claims));
      latencies.push(performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return latencies.toSorted((a, b) => a - b);
  };
  const quietUntil = performance.now() + 10_000;
  const quiet = await claimUntil(() => performance.now() > quietUntil);
  let over = false;
  const startedAt = performance.now();
  const sweep = sweepEndedKeys(claims.store, 1).finally(() => over = true);
  const sweeping = await claimUntil(() => over);
  const { claims: swept } = await sweep;
  if (swept !== rows) throw new Error(`${swept} of ${rows} claims were swept`);
  return { quiet, sweeping, sweepSeconds: (performance.now() - startedAt) / 1_000 };
}
