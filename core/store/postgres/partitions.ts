/**
 * Partitions: one for the claims of each key and one for the records of each day, made when their first row comes and
 * dropped as a whole.
 *
 * @module
 */
import { COMMON_LOT, dayOfLot, lotOfDay } from "./lots.ts";
import { type Query, type Session, sqlState } from "./pool.ts";

/** Of the advisory lock under which partitions come and go, "DIT" in ASCII and one. */
const LOCK = 0x444955;
/** To drop one takes the whole table for a moment. Whoever waits for that holds up others, and so gives up soon. */
const LOCK_TIMEOUT = "500ms";

/** Nobody let go of the table in time, or two waited for each other. */
const TOO_BUSY: readonly (string | undefined)[] = ["55P03", "40P01"];

/**
 * Both run with the rights of whoever made them, the owner of the tables: the service itself may have none to make or drop
 * a table. Whoever may call them can make partitions without rows, and drop those of claims and records.
 */
export const PARTITIONS = `
create function dit.make_partition(lot int) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  of_table text := case when lot > 0 then 'claims' else 'records' end;
  number int := case when lot > 0 then lot - 1 else -lot - 1 end;
  name text := of_table || '_' || number;
begin
  if lot = ${COMMON_LOT} then raise 'All other rows have no partitions.'; end if;
  perform pg_advisory_xact_lock(${LOCK});
  if to_regclass('dit.' || name) is not null then return; end if;
  execute format('create table dit.%I (like dit.%I including all)', name, of_table);
  execute format('alter table dit.%I attach partition dit.%I for values in (%s)', of_table, name, number);
end $$;

create function dit.drop_partition(lot int, if_empty boolean) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  of_table text := case when lot > 0 then 'claims' else 'records' end;
  name text := of_table || '_' || case when lot > 0 then lot - 1 else -lot - 1 end;
  has boolean;
  removed bigint;
begin
  if lot = ${COMMON_LOT} then raise 'All other rows have no partitions.'; end if;
  perform pg_advisory_xact_lock(${LOCK});
  if to_regclass('dit.' || name) is null then return 0; end if;
  if if_empty then
    execute format('select exists (select from dit.%I)', name) into has;
    if has then return null; end if;
  end if;
  perform set_config('lock_timeout', '${LOCK_TIMEOUT}', true);
  -- Everybody else comes through the table, and waits here; its other partitions need no lock for that.
  execute format('lock table only dit.%I in access exclusive mode', of_table);
  -- Nothing comes any more, but may have come just now.
  execute format('select count(*) from dit.%I', name) into removed;
  if if_empty and removed > 0 then return null; end if;
  execute format('drop table dit.%I', name);
  return removed;
end $$;

revoke execute on function dit.make_partition(int), dit.drop_partition(int, boolean) from public;
`;

/**
 * Makes the partitions of lots, unless they are there. They are attached when they are made, which holds up nobody who
 * reads or writes.
 */
export async function makePartitions(session: Session, lots: ReadonlySet<number>): Promise<void> {
  for (const lot of lots) {
    if (lot !== COMMON_LOT) await session.query("select dit.make_partition($1)", [lot]);
  }
}

/** Drops a day that is empty; null where another session makes or drops a partition just now. */
const DROP_ALONE = `select case when pg_try_advisory_xact_lock(${LOCK})
  then coalesce(dit.drop_partition($1, true), 0) end as rows`;

/** Sessions in which days are being dropped. */
const dropping = new WeakSet<Session>();

/**
 * Drops the days before the newest of `lots` that retention has emptied, if that is a day. Nobody's commit waits for it:
 * to see that a day is empty may take long, and whoever reads all records for hours, such as `pg_dump`, is in the way of
 * each. What it does not come to, the next day that begins does; so one process at a time is enough, and it ends at the
 * first that is too busy.
 */
export async function dropEmptyDays(session: Session, lots: ReadonlySet<number>): Promise<void> {
  const newest = Math.min(...lots);
  if (newest >= COMMON_LOT || dropping.has(session)) return;
  dropping.add(session);
  try {
    for (const other of await lotsOfDays(session.query)) {
      if (other <= newest || lots.has(other) || await hasRows(session.query, other)) continue;
      const [row] = await session.query(DROP_ALONE, [other]);
      if (row?.rows === null) return;
    }
  } catch {
    // Too busy, or the store is closed or away.
  } finally {
    dropping.delete(session);
  }
}

/**
 * Drops a lot with all its rows.
 * @returns How many they were; undefined where the table is so busy that it could not be done.
 */
export async function dropPartition(session: Session, lot: number): Promise<number | undefined> {
  try {
    const [row] = await session.query("select dit.drop_partition($1, false) as rows", [lot]);
    return Number(row?.rows);
  } catch (error) {
    if (TOO_BUSY.includes(sqlState(error))) return undefined;
    throw error;
  }
}

/**
 * Whether a day has records. Seen before anything is locked, and by the index: in the table's own order the first of them
 * may lie behind all that were moved. Without a parameter, so that the planner leaves other days alone.
 */
async function hasRows(query: Query, lot: number): Promise<boolean> {
  return (await query(`select from dit.records where day = ${dayOfLot(lot)} order by key limit 1`)).length >
    0;
}

/** The lots of the days that have a partition. */
async function lotsOfDays(query: Query): Promise<number[]> {
  const rows = await query(
    "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid " +
      "where i.inhparent = 'dit.records'::regclass",
  );
  return rows.map(({ name }) => lotOfDay(Number(String(name).replace("records_", ""))));
}
