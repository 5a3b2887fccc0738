/**
 * Claims on an SQLite file of a given size: through the committer, and in a commit each.
 *
 * @module
 */
import { utf8 } from "../../core/base/bytes.ts";
import { encodeClaim } from "../../core/ledger/claim_row.ts";
import type { ClaimRequest } from "../../core/ledger/claim_request.ts";
import { Committer } from "../../core/ledger/committer.ts";
import { ALIVE_KEYS } from "../../core/keys/families.ts";
import { CLAIMS, LOG_ROWS } from "../../core/ledger/families.ts";
import { claimId } from "../../core/ledger/row_ids.ts";
import type { Guard } from "../../core/store/claims.ts";
import type { Store } from "../../core/store/store.ts";
import { openStore } from "../../boot/open_store.ts";
import { setRow } from "../../tests/support/store/rows.ts";

/** Cryptographic randomness. */
export const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

const APP = "load";
const DAY = 20_000;
/** What a small log leaves behind. */
const RECORD = utf8(JSON.stringify({
  pseudonym: "AAAAAAAAAAAAAAAAAAAAAA",
  events: [{ name: "ping", at: "2027-01-15T10:00:00Z", fields: { ok: true, latency_ms: 1 } }],
}));

/** A store with one key that is alive. */
export interface ClaimStore {
  readonly store: Store;
  readonly alive: Guard;
}

/** Opens a file, or the endpoint at a URL. */
export async function openClaimStore(path: string): Promise<ClaimStore> {
  const store = await openStore(path, { deadlineMs: 60_000 });
  const key = ALIVE_KEYS.key(1);
  // Another process may have it already.
  const { stamp } = await store.get(key);
  return { store, alive: { key, stamp: stamp ?? await setRow(store, key, true) } };
}

/** Adds random claims of a key, 500 in a commit. */
export async function fillClaims({ store }: ClaimStore, count: number, ordinal = 1): Promise<void> {
  for (let added = 0; added < count;) {
    const rows = Math.min(500, count - added);
    await store.commit((operation) => {
      for (let row = 0; row < rows; row++) {
        const claim = encodeClaim({ tag: random(16), day: DAY, recorded: true });
        operation.set(CLAIMS.key(claimId(ordinal, random(16), row % 64)), claim);
      }
    });
    added += rows;
  }
}

/** A claim with its record. */
export function makeClaim({ alive }: ClaimStore): ClaimRequest {
  const id = claimId(1, random(16), 0);
  return { id, tag: random(16), guard: alive, app: APP, day: DAY, record: RECORD };
}

/** Runs `work` so many times, some at once; gives how many a second. */
async function perSecond(count: number, atOnce: number, work: () => Promise<unknown>): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next++ < count) await work();
  }));
  return count / (performance.now() - startedAt) * 1_000;
}

/** Claims a second through the committer; `maxInFlight` commits at once. */
export function measureGrouped(
  claims: ClaimStore,
  count: number,
  atOnce: number,
  maxInFlight = 1,
): Promise<number> {
  const committer = new Committer(claims.store, random, { maxInFlight });
  return perSecond(count, atOnce, () => committer.submit(makeClaim(claims)));
}

/** Claims a second when each is a commit of its own, with its record in a row of its own. */
export function measureSingle(claims: ClaimStore, count: number, atOnce: number): Promise<number> {
  const { store, alive } = claims;
  return perSecond(count, atOnce, async () => {
    const { id, tag } = makeClaim(claims);
    const key = CLAIMS.key(id);
    await store.commit((operation) =>
      operation
        .check(alive)
        .check({ key, stamp: null })
        .set(key, encodeClaim({ tag, day: DAY, recorded: true }))
        .set(LOG_ROWS.key(APP, DAY, random(12)), RECORD)
    );
  });
}
