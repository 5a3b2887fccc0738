/**
 * Partitions: one for the claims of each key and one for the records of each day, made when their first row comes and
 * dropped as a whole.
 *
 * @module
 */
import { COMMON_LOT, isEarlierDay } from "./lots.ts";
import { type Query, type Session, sqlState } from "./pool.ts";

/** Of the advisory lock under which partitions come and go, "DIT" in ASCII and one. */
const LOCK = 0x444955;
/** To drop one takes the whole table for a moment. Whoever waits for that holds up others, and so gives up soon. */
const LOCK_TIMEOUT = "500ms";
/** Nobody let go of the table in time. */
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Makes the partitions of lots, unless they are there. They are attached when they are made, which holds up nobody who
 * reads or writes. With those of days go the ones of earlier days that retention has emptied.
 */
export async function makePartitions(session: Session, lots: ReadonlySet<number>): Promise<void> {
  for (const lot of lots) if (lot !== COMMON_LOT) await makePartition(session, lot);
  for (const other of await lotsOf(session.query)) {
    const isOver = !lots.has(other) && lots.values().some((lot) => isEarlierDay(other, lot));
    if (isOver) await dropPartition(session, other, "if empty");
  }
}

async function makePartition(session: Session, lot: number): Promise<void> {
  await session.transaction("read committed", async (query) => {
    await lock(query);
    if (await isThere(query, lot)) return;
    await query(`create table ${nameOf(lot)} (like dit.rows including all)`);
    await query(`alter table dit.rows attach partition ${nameOf(lot)} for values in (${lot})`);
  });
}

/**
 * Drops a lot with all its rows, or only if it has none.
 * @returns How many they were; undefined where the table is so busy that it could not be done, or it has some and must not.
 */
export async function dropPartition(
  session: Session,
  lot: number,
  which: "with rows" | "if empty",
): Promise<number | undefined> {
  try {
    return await session.transaction("read committed", async (query) => {
      await lock(query);
      if (!await isThere(query, lot)) return 0;
      if (which === "if empty" && await hasRows(query, lot)) return undefined;
      await query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
      await query("lock table dit.rows in access exclusive mode");
      // Nothing comes any more, but may have come just now.
      if (which === "if empty" && await hasRows(query, lot)) return undefined;
      const [row] = await query(`select count(*) as rows from ${nameOf(lot)}`);
      await query(`drop table ${nameOf(lot)}`);
      return Number(row?.rows);
    });
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return undefined;
    throw error;
  }
}

async function lock(query: Query): Promise<void> {
  await query(`select pg_advisory_xact_lock(${LOCK})`);
}

async function isThere(query: Query, lot: number): Promise<boolean> {
  const [row] = await query(`select to_regclass('${nameOf(lot)}') is not null as there`);
  return row?.there === true;
}

async function hasRows(query: Query, lot: number): Promise<boolean> {
  const [row] = await query(`select exists (select from ${nameOf(lot)}) as has`);
  return row?.has === true;
}

/** The lots that have a partition of their own. */
async function lotsOf(query: Query): Promise<number[]> {
  const rows = await query(
    "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid " +
      "where i.inhparent = 'dit.rows'::regclass",
  );
  return rows.map(({ name }) =>
    Number(/^rows_(m?)(\d+)$/.exec(String(name))?.slice(1).join("").replace("m", "-"))
  )
    .filter((lot) => Number.isInteger(lot) && lot !== COMMON_LOT);
}

/** A lot is a number of this engine's own, so that it may stand in a statement. */
function nameOf(lot: number): string {
  return `dit.rows_${lot < 0 ? "m" : ""}${Math.abs(Math.trunc(lot))}`;
}
