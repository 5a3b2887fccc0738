/**
 * A committer on a database that fails when a test says so, and claims for it.
 *
 * @module
 */
import { assertRejects } from "@std/assert";
import { binaryText, concat, u32, utf8 } from "../../../core/base/bytes.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { ALIVE_KEYS } from "../../../core/keys/families.ts";
import type { ClaimOutcome, ClaimRequest } from "../../../core/ledger/claim_request.ts";
import { Committer, type CommitterOptions } from "../../../core/ledger/committer.ts";
import { LOG_ROWS } from "../../../core/ledger/families.ts";
import { GroupWriter } from "../../../core/ledger/group_writer.ts";
import { PendingClaims } from "../../../core/ledger/pending_claims.ts";
import { RecentClaims } from "../../../core/ledger/recent_claims.ts";
import { claimId } from "../../../core/ledger/row_ids.ts";
import type { Guard } from "../../../core/store/claims.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { roomInValue } from "../../../core/store/limits.ts";
import type { Store } from "../../../core/store/store.ts";
import { splitLines } from "../../../core/ledger/pack_records.ts";
import { type FaultyKv, faultyKv } from "./faulty_kv.ts";
import { setRow } from "./rows.ts";
import type { Range } from "../../../core/store/port.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
/** The application of all claims. */
export const APP = "demo";
/** Their day of arrival. */
export const DAY = 20_000;

/** A store, its faults, and who commits to it. */
export interface Bench {
  readonly store: Store;
  readonly faulty: FaultyKv;
  readonly committer: Committer;
  /** The alive rows by ordinal. */
  readonly alive: ReadonlyMap<number, Guard>;
  /** The same database with its faults, as another process opens it. */
  readonly openStore: () => Store;
  /** Another process on the same database. */
  readonly another: (options?: CommitterOptions) => Committer;
}

/** How the store and the committer behave. */
export interface BenchOptions extends CommitterOptions {
  readonly deadlineMs?: number;
}

/** Runs a test with a committer on a database in memory, on which the keys 1 to 3 are alive. */
export async function withCommitter(
  options: BenchOptions,
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const faulty = faultyKv(kv);
  const openStore = () => storeOver(faulty.kv, { deadlineMs: options.deadlineMs ?? 60_000 });
  // What tests look at afterwards has no faults, and all the time that a busy machine needs.
  const store = storeOver(kv, { deadlineMs: 60_000 });
  try {
    const alive = new Map<number, Guard>();
    for (const ordinal of [1, 2, 3]) {
      const key = ALIVE_KEYS.key(ordinal);
      alive.set(ordinal, { key, stamp: await setRow(store, key, true) });
    }
    await run({
      store,
      faulty,
      alive,
      openStore,
      committer: new Committer(openStore(), random, options),
      another: (other = options) => new Committer(openStore(), random, other),
    });
  } finally {
    await faulty.settle();
    kv.close();
  }
}

/** A claim of a test: its record is `ordinal/token/use/tag` unless there is none or another one. */
export interface Wish {
  readonly token?: number;
  readonly use?: number;
  readonly tag?: number;
  readonly ordinal?: number;
  readonly lane?: string;
  readonly hour?: number;
  readonly record?: Uint8Array | false;
}

/** Makes a claim. */
export function claimOf({ alive }: Pick<Bench, "alive">, wish: Wish): ClaimRequest {
  const { token = 0, use = 0, tag = 0, ordinal = 1, record, lane, hour } = wish;
  const id = claimId(ordinal, concat(u32(token), new Uint8Array(12)), use);
  const guard = alive.get(ordinal);
  if (guard === undefined) throw new Error(`There is no key ${ordinal}.`);
  return {
    id,
    tag: concat(u32(tag), new Uint8Array(12)),
    guard,
    app: APP,
    day: DAY,
    lane,
    hour,
    record: record === false ? undefined : record ?? utf8(`${ordinal}/${token}/${use}/${tag}`),
  };
}

/** What writes a group once, on the bench's database with its faults, and who adds claims to be written. */
export function groupParts(bench: Bench) {
  const store = bench.openStore();
  const { claims } = store;
  const maxRowBytes = roomInValue(store.limits);
  const pending = new PendingClaims(store.deadlineMs);
  const recent = new RecentClaims(100, random);
  const add = (wish: Wish) => {
    const request = claimOf(bench, wish);
    return pending.add(request, binaryText(request.id), request.record?.length ?? 0);
  };
  return {
    claims,
    pending,
    recent,
    add,
    writer: new GroupWriter({ claims, maxRowBytes, random, pending, recent }),
  };
}

/** Submits claims at once. */
export function submitAll(bench: Bench, wishes: Wish[]): Promise<ClaimOutcome[]> {
  return Promise.all(wishes.map((wish) => bench.committer.submit(claimOf(bench, wish))));
}

/** All stored records as texts, in order. */
export async function storedRecords({ store }: Pick<Bench, "store">): Promise<string[]> {
  const texts: string[] = [];
  for await (const { value } of store.list<Uint8Array>(LOG_ROWS.prefix(APP, DAY))) {
    texts.push(...splitLines(value).map((line) => new TextDecoder().decode(line)));
  }
  return texts.sort();
}

/** How many rows there are. */
export async function countRows({ store }: Bench, rows: Range): Promise<number> {
  return (await Array.fromAsync(store.list(rows))).length;
}

/** The code with which something is refused. */
export async function refusalCode(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise, Refusal);
  return error.code;
}

/** The numbers 0 to `count` - 1. */
export const range = (count: number) => Array.from({ length: count }, (_, index) => index);
