/**
 * Claims in a store of a given size, through the committer.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { utf8 } from "../../core/base/bytes.ts";
import { encodeClaim } from "../../core/ledger/claim_row.ts";
import type { ClaimRequest } from "../../core/ledger/claim_request.ts";
import { Committer } from "../../core/ledger/committer.ts";
import { ALIVE_KEYS } from "../../core/keys/families.ts";
import { CLAIMS } from "../../core/ledger/families.ts";
import { claimId } from "../../core/ledger/row_ids.ts";
import { writeFormat } from "../../core/operations/store_format.ts";
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

/** Opens a file, or what is at a URL. */
export async function openClaimStore(path: string): Promise<ClaimStore> {
  const store = await openStore(path, { deadlineMs: 60_000 });
  // A file without it is none of the service's.
  await writeFormat(store);
  const key = ALIVE_KEYS.key(1);
  // Another process may have it already.
  const { stamp } = await store.get(key);
  return { store, alive: { key, stamp: stamp ?? await setRow(store, key, true) } };
}

/** Adds random claims of a key, without records: as rows of another store where the engine takes such, else by commits. */
export async function fillClaims({ store, alive }: ClaimStore, count: number, ordinal = 1): Promise<void> {
  const rowOf = (use: number) => ({
    key: CLAIMS.key(claimId(ordinal, random(16), use % 64)),
    value: encodeClaim({ tag: random(16), day: DAY, recorded: true }),
  });
  const write = store.keepsStamps
    ? (rows: number) => {
      const stamp = alive.stamp ?? "";
      return store.load(Array.from({ length: rows }, (_, use) => ({ ...rowOf(use), stamp })));
    }
    : async (rows: number) => {
      await store.commit((commit) => {
        for (let use = 0; use < rows; use++) {
          const { key, value } = rowOf(use);
          commit.set(key, value);
        }
      });
    };
  // One commit at a time on a file, where more do not help.
  let left = count;
  const atOnce = store.capabilities.shared ? 4 : 1;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left > 0) {
      const rows = Math.min(500, left);
      left -= rows;
      await write(rows);
    }
  }));
}

/** A claim with its record. */
export function makeClaim({ alive }: ClaimStore): ClaimRequest {
  const id = claimId(1, random(16), 0);
  return { id, tag: random(16), guard: alive, app: APP, day: DAY, record: RECORD };
}

/** What came of claiming for a while. */
export interface Claimed {
  /** How many claims were committed. */
  readonly claims: number;
  /** Milliseconds from the first one's start to the last one's answer. */
  readonly milliseconds: number;
  /** Milliseconds of CPU of this whole process meanwhile. */
  readonly cpuMs: number;
}

/** Claims through the committer of a service on such a store, so many at once, for so long. */
export async function claimFor(claims: ClaimStore, milliseconds: number, atOnce: number): Promise<Claimed> {
  const { store } = claims;
  const committer = new Committer(store, random, { maxInFlight: store.capabilities.shared ? 4 : 1 });
  let done = 0;
  const cpuBefore = cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (performance.now() - startedAt < milliseconds) {
      await committer.submit(makeClaim(claims));
      done++;
    }
  }));
  const cpu = cpuUsage(cpuBefore);
  return {
    claims: done,
    milliseconds: performance.now() - startedAt,
    cpuMs: (cpu.user + cpu.system) / 1_000,
  };
}
