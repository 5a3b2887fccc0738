/**
 * The first day on which an application can have had clients: that of its first key, or of its oldest records where the
 * first key is gone. Before it there is nothing to release, and an answer would be noise that costs a budget.
 *
 * @module
 */
import { dayOf } from "../base/time.ts";
import { SIGNING_KEYS } from "../keys/families.ts";
import type { KeyRow } from "../keys/key_row.ts";
import { daysWithRecords } from "../ledger/day_records.ts";
import { firstDayOf } from "../privacy/release/families.ts";
import type { Store } from "../store/store.ts";

/** Remembers the first day of an application, once. */
export async function rememberFirstDay(store: Store, app: string, today: number): Promise<void> {
  const row = await store.get<number>(firstDayOf(app));
  if (row.value !== null) return;
  let first = today;
  for await (const { value } of store.list<KeyRow>(SIGNING_KEYS.prefix(app))) {
    first = Math.min(first, dayOf(value.notBefore));
  }
  for await (const day of daysWithRecords(store, app, first)) {
    first = day;
    break;
  }
  await store.commit((commit) => commit.check(row).set(row.key, first));
}
