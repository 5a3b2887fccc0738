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
 * Both run with the rights of whoever made them, the owner of the tables: the service itself may have none to make or drop
 * a table. Whoever may call them can make partitions without rows, and drop those of claims and records.
 */
export const PARTITIONS = `
create function dit.name_of_partition(of_lot bigint) returns text language sql immutable
  return 'rows_' || case when of_lot < 0 then 'm' else '' end || abs(of_lot);

create function dit.make_partition(of_lot bigint) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare name text := dit.name_of_partition(of_lot);
begin
  perform pg_advisory_xact_lock(${LOCK});
  if to_regclass('dit.' || name) is not null then return; end if;
  execute format('create table dit.%I (like dit.rows including all)', name);
  execute format('alter table dit.rows attach partition dit.%I for values in (%s)', name, of_lot);
end $$;

create function dit.drop_partition(of_lot bigint, if_empty boolean) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  name text := dit.name_of_partition(of_lot);
  has boolean;
  removed bigint;
begin
  if of_lot = ${COMMON_LOT} then raise 'The partition of all other rows stays.'; end if;
  perform pg_advisory_xact_lock(${LOCK});
  if to_regclass('dit.' || name) is null then return 0; end if;
  execute format('select exists (select from dit.%I)', name) into has;
  if if_empty and has then return null; end if;
  perform set_config('lock_timeout', '${LOCK_TIMEOUT}', true);
  lock table dit.rows in access exclusive mode;
  -- Nothing comes any more, but may have come just now.
  execute format('select count(*) from dit.%I', name) into removed;
  if if_empty and removed > 0 then return null; end if;
  execute format('drop table dit.%I', name);
  return removed;
end $$;

revoke execute on function dit.make_partition(bigint), dit.drop_partition(bigint, boolean) from public;
`;

/**
 * Makes the partitions of lots, unless they are there. They are attached when they are made, which holds up nobody who
 * reads or writes. With those of days go the ones of earlier days that retention has emptied.
 */
export async function makePartitions(session: Session, lots: ReadonlySet<number>): Promise<void> {
  for (const lot of lots) {
    if (lot !== COMMON_LOT) await session.query("select dit.make_partition($1)", [lot]);
  }
  for (const other of await lotsOf(session.query)) {
    const isOver = !lots.has(other) && lots.values().some((lot) => isEarlierDay(other, lot));
    if (isOver) await dropPartition(session, other, "if empty");
  }
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
    const [row] = await session.query("select dit.drop_partition($1, $2) as rows", [
      lot,
      which === "if empty",
    ]);
    return row?.rows === null ? undefined : Number(row?.rows);
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return undefined;
    throw error;
  }
}

/** The lots that have a partition of their own. */
async function lotsOf(query: Query): Promise<number[]> {
  const rows = await query(
    "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid " +
      "where i.inhparent = 'dit.rows'::regclass",
  );
  return rows.map(({ name }) => Number(String(name).replace("rows_m", "-").replace("rows_", "")))
    .filter((lot) => Number.isInteger(lot) && lot !== COMMON_LOT);
}
