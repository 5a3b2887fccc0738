import { assert, assertEquals } from "@std/assert";
import { type AlertRow, sweepAlerts } from "../../../core/privacy/risk/alerts.ts";
import { encodeClaim } from "../../../core/ledger/claim_row.ts";
import { CLAIMS } from "../../../core/ledger/families.ts";
import { claimId } from "../../../core/ledger/row_ids.ts";
import { sweepClaims } from "../../../core/ledger/sweep.ts";
import { ALERTS } from "../../../core/privacy/risk/families.ts";
import { BUDGETS, RELEASES } from "../../../core/privacy/release/families.ts";
import { sweepReleases } from "../../../core/privacy/release/release.ts";
import { DenoKvEngine } from "../../../core/store/deno_kv/engine.ts";
import { DENO_KV_LIMITS } from "../../../core/store/deno_kv/limits.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { ClaimingEngine } from "../../../core/store/claims.ts";
import type { Write } from "../../../core/store/port.ts";
import { Store } from "../../../core/store/store.ts";
import { DEFAULT_PACE, restAfter, type SweepPace } from "../../../core/store/sweep.ts";
import { BY_VERSION, releasing } from "../../support/privacy/released.ts";

const ALL = { prefix: ["x"] };

/** A store of rows `x 0` to `x (count - 1)`, and how many rows each commit deleted; `onCall` hears of each page and commit. */
async function watched(
  count: number,
  onCall: (rowsDeleted: number) => void = () => {},
): Promise<{ store: Store; deleted: number[]; close: () => void }> {
  const kv = await Deno.openKv(":memory:");
  for (let row = 0; row < count; row++) await kv.set(["x", row], row);
  const inner = new DenoKvEngine(kv, { shared: false });
  const deleted: number[] = [];
  const engine: ClaimingEngine = {
    limits: DENO_KV_LIMITS,
    capabilities: inner.capabilities,
    get: (key) => inner.get(key),
    getMany: (keys) => inner.getMany(keys),
    list: (range, options) => {
      onCall(0);
      return inner.list(range, options);
    },
    commit: (checks, writes) => {
      const rows = writes.filter(({ type }: Write) => type === "delete").length;
      deleted.push(rows);
      onCall(rows);
      return inner.commit(checks, writes);
    },
    close: () => inner.close(),
    claims: (calls) => inner.claims(calls),
  };
  return { store: new Store(engine), deleted, close: () => kv.close() };
}

function countingPace(rowsPerCommit: number) {
  const pace = { rowsPerCommit, pauses: 0, pause: () => (pace.pauses++, Promise.resolve()) };
  return pace;
}

Deno.test("sweep() removes a range in commits of so many rows, with a pause after each", async () => {
  const { store, deleted, close } = await watched(23);
  const pace = countingPace(10);
  assertEquals(await store.sweep(ALL, pace), 23);
  assertEquals([deleted, pace.pauses], [[10, 10, 3], 3]);
  assertEquals(await store.sweep(ALL, pace), 0);
  assertEquals(pace.pauses, 3);
  close();
});

Deno.test("sweep() leaves what is not over, and asks of every row once", async () => {
  const { store, deleted, close } = await watched(23);
  const asked: number[] = [];
  const swept = await store.sweep<number>(ALL, countingPace(10), ({ value }) => {
    asked.push(value);
    return value % 3 === 0;
  });
  assertEquals([swept, deleted], [8, [4, 3, 1]]);
  assertEquals(asked, Array.from({ length: 23 }, (_, row) => row));
  const left = await Array.fromAsync(store.list<number>(ALL), ({ value }) => value);
  assertEquals(left, asked.filter((value) => value % 3 !== 0));
  close();
});

Deno.test("sweep() takes no more rows at once than the engine takes in a commit", async () => {
  const { store, deleted, close } = await watched(1_200);
  assertEquals(await store.sweep<number>(ALL, countingPace(5_000), ({ value }) => value < 150), 150);
  assert(deleted.every((rows) => rows <= DENO_KV_LIMITS.checksPerCommit));
  deleted.length = 0;
  assertEquals(await store.sweep(ALL, countingPace(5_000)), 1_050);
  assertEquals(deleted, [500, 500, 50]);
  close();
});

Deno.test("sweep() does not remove a row that has changed since it was over", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = storeOver(kv);
  await kv.set(["x", 1], "over");
  let writing: Promise<unknown> = Promise.resolve();
  const inner = new DenoKvEngine(kv, { shared: false });
  const engine: ClaimingEngine = {
    limits: inner.limits,
    capabilities: inner.capabilities,
    get: (key) => inner.get(key),
    getMany: (keys) => inner.getMany(keys),
    list: (range, options) => inner.list(range, options),
    // Somebody writes between the sweep's read and its commit.
    commit: async (checks, writes) => {
      await writing;
      return await inner.commit(checks, writes);
    },
    close: () => inner.close(),
    claims: (calls) => inner.claims(calls),
  };
  const isOver = ({ value }: { value: string }) => {
    writing = kv.set(["x", 1], "wanted again");
    return value === "over";
  };
  assertEquals(await new Store(engine).sweep(ALL, countingPace(10), isOver), 0);
  assertEquals((await store.get(["x", 1])).value, "wanted again");
});

Deno.test("sweepAlerts() and sweepReleases() go in pages with a pause, however much has gathered", async () => {
  const { store, deleted, close } = await watched(0);
  const alert = { at: 0 } as AlertRow;
  await store.commit((commit) => {
    for (let row = 0; row < 120; row++) commit.set(ALERTS.key("app", row), alert);
    for (let row = 0; row < 120; row++) commit.set(RELEASES.key("app", row, "q", 0), {});
    for (let row = 0; row < 120; row++) commit.set(BUDGETS.key("app", row), {});
  });
  deleted.length = 0;
  const pace = countingPace(50);
  assertEquals(await sweepAlerts(store, 10_000 * 86_400, pace), 120);
  assertEquals([deleted, pace.pauses], [[50, 50, 20], 3]);
  deleted.length = 0;
  assertEquals(await sweepReleases(store, releasing(BY_VERSION), 10_000 * 86_400, pace), 240);
  assertEquals([deleted, pace.pauses], [[50, 50, 20, 50, 50, 20], 9]);
  close();
});

Deno.test("a sweep tells its pace how long a page had the store, and not how long it rested", async () => {
  let clock = 0;
  // A page takes 1 ms to read, and each of its rows 1 ms more to delete.
  const { store, close } = await watched(23, (rowsDeleted) => clock += rowsDeleted === 0 ? 1 : rowsDeleted);
  await store.commit((commit) => {
    for (let use = 0; use < 23; use++) {
      const value = encodeClaim({ tag: new Uint8Array(16), day: 3, recorded: true });
      commit.set(CLAIMS.key(claimId(7, new Uint8Array(16), use)), value);
    }
  });
  const told: number[] = [];
  const pace: SweepPace = {
    rowsPerCommit: 10,
    pause: (busyMs) => {
      told.push(busyMs);
      clock += 1_000;
      return Promise.resolve();
    },
  };
  const { now } = performance;
  performance.now = () => clock;
  try {
    assertEquals(await store.sweep(ALL, pace), 23);
    assertEquals(told.splice(0), [11, 11, 4]);
    assertEquals(await sweepClaims(store, { app: "app", ordinal: 7 }, pace), 23);
    assertEquals(told, [11, 11, 4]);
  } finally {
    performance.now = now;
  }
  close();
});

Deno.test("a sweep leaves the store to others nine times as long as it had it, within bounds", async () => {
  assertEquals([0, 1, 4, 11, 12, 5_000].map(restAfter), [10, 10, 36, 99, 100, 100]);
  const { setTimeout } = globalThis;
  const delays: unknown[] = [];
  globalThis.setTimeout = ((done: () => void, delay?: number) => {
    delays.push(delay);
    return setTimeout(done, 0);
  }) as typeof setTimeout;
  try {
    await DEFAULT_PACE.pause(4);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assertEquals(delays, [36]);
});
