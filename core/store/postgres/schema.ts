/**
 * The tables and functions, made and migrated at the start under an advisory lock, each version once.
 *
 * Rows are one table, partitioned by lot (lots.ts). `stamp` is drawn from a sequence after every row that the commit rests
 * on was looked at: of commits one after the other the later has the greater, and so has the later of two that wrote one
 * row.
 *
 * A statement that joins the whole table locks all partitions and looks into each, however few it needs. So what every
 * claim and commit does goes to the lot of all other rows by its name, or through the insert, which finds the one
 * partition of a row by itself.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import { PARTITIONS } from "./partitions.ts";
import type { Session } from "./pool.ts";

/** The newest version. */
const VERSION = 1;
/** Of the advisory lock, "DIT" in ASCII. */
const LOCK = 0x444954;

const TABLES = `
create sequence dit.stamps;
create table dit.rows (
  key bytea not null,
  lot bigint not null,
  value bytea not null,
  stamp bigint not null,
  primary key (key, lot)
) partition by list (lot);
create table dit.rows_0 partition of dit.rows for values in (0);
-- Values are sealed or small: what is larger lies beside the row, and is not compressed again.
alter table dit.rows alter column value set storage external;
alter table dit.rows_0 alter column value set storage external;
`;

/** Writes rows and removes others; of two writes to one key the caller has kept the later. */
const PUT = `
create function dit.put(
  stamped bigint, set_keys bytea[], set_lots bigint[], set_values bytea[], gone_keys bytea[], gone_lots bigint[]
) returns void language plpgsql as $$
begin
  insert into dit.rows (key, lot, value, stamp)
    select s.key, s.lot, s.value, stamped from unnest(set_keys, set_lots, set_values) s (key, lot, value)
    order by s.key
    on conflict (key, lot) do update set value = excluded.value, stamp = excluded.stamp;
  delete from dit.rows_0 r using unnest(gone_keys, gone_lots) g (key, lot) where r.key = g.key and g.lot = 0;
  if not 0 = all (gone_lots) then
    delete from dit.rows r using unnest(gone_keys, gone_lots) g (key, lot) where r.key = g.key and r.lot = g.lot;
  end if;
end $$;
`;

/** Whether the checks hold: a stamp of -1 says that there is no row. Called in a SERIALIZABLE transaction. */
const COMMIT = `
create function dit.commit(
  check_keys bytea[], check_lots bigint[], check_stamps bigint[],
  set_keys bytea[], set_lots bigint[], set_values bytea[], gone_keys bytea[], gone_lots bigint[]
) returns bigint language plpgsql as $$
declare stamped bigint;
begin
  if exists (
    select from unnest(check_keys, check_lots, check_stamps) c (key, lot, stamp)
    left join dit.rows_0 r on r.key = c.key
    where c.lot = 0 and coalesce(r.stamp, -1) <> c.stamp
  ) then return null; end if;
  if not 0 = all (check_lots) and exists (
    select from unnest(check_keys, check_lots, check_stamps) c (key, lot, stamp)
    left join dit.rows r on r.key = c.key and r.lot = c.lot
    where c.lot <> 0 and coalesce(r.stamp, -1) <> c.stamp
  ) then return null; end if;
  stamped := nextval('dit.stamps');
  perform dit.put(stamped, set_keys, set_lots, set_values, gone_keys, gone_lots);
  return stamped;
end $$;
`;

/** A group of claims: see claims.ts, which says why this is right. */
const CLAIM = `
create function dit.claim(
  guard_keys bytea[], guard_lots bigint[], guard_stamps bigint[],
  claim_keys bytea[], claim_lots bigint[], claim_values bytea[], claim_guards int[],
  set_keys bytea[], set_lots bigint[], set_values bytea[], gone_keys bytea[], gone_lots bigint[]
) returns table (state text, value bytea) language plpgsql as $$
declare
  held int;
  won int;
  stamped bigint;
begin
  perform from dit.rows_0 r join unnest(guard_keys, guard_lots, guard_stamps) g (key, lot, stamp)
    on r.key = g.key and g.lot = 0 and r.stamp = g.stamp order by r.key for share of r;
  get diagnostics held = row_count;
  if held = cardinality(guard_keys) then
    stamped := nextval('dit.stamps');
    insert into dit.rows (key, lot, value, stamp)
      select c.key, c.lot, c.value, stamped from unnest(claim_keys, claim_lots, claim_values) c (key, lot, value)
      order by c.key on conflict do nothing;
    get diagnostics won = row_count;
    if won = cardinality(claim_keys) then
      perform dit.put(stamped, set_keys, set_lots, set_values, gone_keys, gone_lots);
      return;
    end if;
    delete from dit.rows r using unnest(claim_keys, claim_lots) c (key, lot)
      where r.key = c.key and r.lot = c.lot and r.stamp = stamped;
  end if;
  return query
    select
      case when r.key is not null then 'taken' when h.key is not null then 'free' else 'guard_over' end,
      r.value
    from unnest(claim_keys, claim_lots, claim_guards) with ordinality c (key, lot, guard, place)
    left join dit.rows r on r.key = c.key and r.lot = c.lot
    left join dit.rows_0 h on h.key = guard_keys[c.guard] and guard_lots[c.guard] = 0
      and h.stamp = guard_stamps[c.guard]
    order by c.place;
end $$;
`;

/** What each version added, the first first. */
const STEPS: readonly string[] = [[TABLES, PUT, COMMIT, CLAIM, PARTITIONS].join("\n")];

/**
 * Makes the tables, or brings them to this version.
 * @throws {StoreOpenError} If they are of a later one.
 */
export async function migrate(session: Session): Promise<void> {
  await session.transaction("read committed", async (query) => {
    await query(`select pg_advisory_xact_lock(${LOCK})`);
    const [found] = await query("select to_regclass('dit.version') is not null as there");
    if (found?.there !== true) {
      await query("create schema if not exists dit");
      await query("create table dit.version (version int not null)");
      await query("insert into dit.version values (0)");
    }
    const [row] = await query("select version from dit.version");
    const version = Number(row?.version);
    if (version > VERSION) {
      throw new StoreOpenError("The tables in the database were made by a newer program: start that one.");
    }
    for (const step of STEPS.slice(version)) await query(step);
    if (version < VERSION) await query(`update dit.version set version = ${VERSION}`);
  });
}

/**
 * Makes sure that the tables are of this version, and writes nothing.
 * @throws {StoreOpenError} If they are not.
 */
export async function requireTables(session: Session): Promise<void> {
  const [found] = await session.query("select to_regclass('dit.version') is not null as there");
  const [row] = found?.there === true ? await session.query("select version from dit.version") : [];
  if (Number(row?.version) !== VERSION) {
    throw new StoreOpenError(
      "The replica has not the tables of this program: see that it is one of the database in DIT_KV.",
    );
  }
}
