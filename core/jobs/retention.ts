/**
 * Removes the records of days that are over their retention, a few rows at a time, and counts them in the tally of
 * their day in the very commits that remove them.
 *
 * @module
 */
import type { Application } from "../config/types.ts";
import type { EndedKey, KeyRow } from "../keys/key_row.ts";
import type { RemoteKeyRow } from "../acs/remote/remote_keys.ts";
import { isReleased } from "../privacy/release/release.ts";
import { countRecords, daysWithRecords, readRecordRows, type RecordRow } from "../ledger/day_records.ts";
import { REMOTE_KEYS } from "../acs/families.ts";
import { ENDED_KEYS, SIGNING_KEYS } from "../keys/families.ts";
import { TALLIES } from "../ledger/families.ts";
import type { Store } from "../store/store.ts";
import type { SweepPace } from "../store/sweep.ts";
import { addToTally, type TallyRow } from "../ledger/tally.ts";
import { dayOf } from "../base/time.ts";

/** Rows of records are up to 60 KiB, so fewer of them go at a time than of claims. */
const ROWS_PER_COMMIT = 25;
/** A key issues for at most 30 days and redeems for at most 8 epochs more. */
const MAX_KEY_DAYS = 9 * 30;

/** What one run removed. */
export interface RetentionCount {
  /** Records. */
  records: number;
  /** Tallies of days of which nothing is left. */
  tallies: number;
}

/** The first day that is still kept at `nowSeconds`. */
export function firstKeptDay(retentionDays: number, nowSeconds: number): number {
  return dayOf(nowSeconds) - retentionDays;
}

/**
 * Removes an application's records of the days before its retention and, where it says so, of past days about which
 * every question is answered. Idempotent; any number may run at once.
 */
export async function retireRecords(
  store: Store,
  app: Application,
  nowSeconds: number,
  pace: SweepPace,
): Promise<RetentionCount> {
  const endDay = firstKeptDay(app.retentionDays, nowSeconds);
  let records = 0;
  for await (const day of daysWithRecords(store, app.id, endDay)) {
    records += await retireDay(store, app.id, day, pace);
  }
  if (app.releases?.deleteRaw === true) {
    for await (const day of daysWithRecords(store, app.id, dayOf(nowSeconds))) {
      if (await isReleased(store, app, day)) records += await retireDay(store, app.id, day, pace);
    }
  }
  return { records, tallies: await forgetTallies(store, app.id, endDay) };
}

async function retireDay(store: Store, app: string, day: number, pace: SweepPace): Promise<number> {
  for (let records = 0;;) {
    const startedAt = performance.now();
    const retired = await retireRows(store, app, day);
    if (retired === undefined) return records;
    records += retired;
    await pace.pause(performance.now() - startedAt);
  }
}

/** Gives how many records went, or undefined when the day has none left. */
async function retireRows(store: Store, app: string, day: number): Promise<number | undefined> {
  const tally = await store.get<TallyRow>(TALLIES.key(app, day));
  const rows: RecordRow[] = [];
  for await (const row of readRecordRows(store, app, day, ROWS_PER_COMMIT)) {
    if (rows.push(row) === ROWS_PER_COMMIT) break;
  }
  if (rows.length === 0) return undefined;
  const recordsRetired = rows.reduce((sum, row) => sum + countRecords(row), 0);
  const done = await store.commit((commit) => {
    for (const { key } of rows) commit.delete(key);
    addToTally(commit, tally, { recordsRetired });
  });
  return done === undefined ? 0 : recordsRetired;
}

/**
 * A tally is needed while there are records or claims of its day, and claims live as long as their key. Keys are read
 * only where a tally may go, and only the application's own: this runs for every application, every hour.
 */
async function forgetTallies(store: Store, app: string, endDay: number): Promise<number> {
  const over = [];
  for await (const entry of store.list<TallyRow>(TALLIES.prefix(app))) {
    if ((entry.key[2] as number) >= endDay) break;
    over.push(entry);
  }
  if (over.length === 0) return 0;
  const firstDay = await firstNeededDay(store, app);
  let forgotten = 0;
  for (const entry of over) {
    if ((entry.key[2] as number) >= firstDay) break;
    const done = await store.commit((commit) => commit.check(entry).delete(entry.key));
    if (done !== undefined) forgotten++;
  }
  return forgotten;
}

/** The first day of which an application may still have claims; minus infinity while an ended key's wait to be swept. */
async function firstNeededDay(store: Store, app: string): Promise<number> {
  let firstDay = Infinity;
  for await (const { value } of store.list<EndedKey>(ENDED_KEYS.all())) {
    if (value.app === app) return -Infinity;
  }
  for await (const { value } of store.list<KeyRow>(SIGNING_KEYS.prefix(app))) {
    firstDay = Math.min(firstDay, dayOf(value.notBefore));
  }
  for await (const { value } of store.list<RemoteKeyRow>(REMOTE_KEYS.prefix(app))) {
    if (!value.ended) firstDay = Math.min(firstDay, dayOf(value.redeemUntil) - MAX_KEY_DAYS);
  }
  return firstDay;
}
