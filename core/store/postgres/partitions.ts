/**
 * Partitions of claims: one a key, made when its first claim comes and dropped as a whole.
 *
 * @module
 */
import { COMMON_LOT } from "./lots.ts";
import type { Query, Session } from "./pool.ts";

/** Of the advisory lock under which partitions come and go, "DIT" in ASCII and one. */
const LOCK = 0x444955;

/** Makes a lot's partition, unless it is there. Attached when it is made: that holds up nobody who reads or writes. */
export async function makePartition(session: Session, lot: number): Promise<void> {
  if (lot === COMMON_LOT) return;
  await session.transaction("read committed", async (query) => {
    await lock(query);
    if (await isThere(query, lot)) return;
    await query(`create table ${nameOf(lot)} (like dit.rows including all)`);
    await query(`alter table dit.rows attach partition ${nameOf(lot)} for values in (${lot})`);
  });
}

/** Drops a lot with all its rows; how many they were, about. */
export async function dropPartition(session: Session, lot: number): Promise<number> {
  return await session.transaction("read committed", async (query) => {
    await lock(query);
    if (lot === COMMON_LOT || !await isThere(query, lot)) return 0;
    const [row] = await query(`select count(*)::int as rows from ${nameOf(lot)}`);
    await query(`drop table ${nameOf(lot)}`);
    return Number(row?.rows);
  });
}

async function lock(query: Query): Promise<void> {
  await query(`select pg_advisory_xact_lock(${LOCK})`);
}

async function isThere(query: Query, lot: number): Promise<boolean> {
  const [row] = await query(`select to_regclass('${nameOf(lot)}') is not null as there`);
  return row?.there === true;
}

/** A lot is a number of this engine's own, so that it may stand in a statement. */
function nameOf(lot: number): string {
  return `dit.rows_${Math.trunc(lot)}`;
}
