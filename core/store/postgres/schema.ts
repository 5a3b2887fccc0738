/**
 * The tables and functions, made and migrated at the start under an advisory lock, each version once.
 *
 * Claims, records and all other rows are a table each (lots.ts); the columns of a fixed length come first, since those
 * behind a `bytea` are padded. `stamp` is drawn from a sequence after every row that the commit rests on was looked at: of
 * commits one after the other the later has the greater, and so has the later of two that wrote one row.
 *
 * A plan that the server keeps is one for all partitions, and locks each before it finds out which it needs. So a row
 * comes into a partition by an insert, which finds the one by itself, and everything else that is about a few partitions
 * is planned anew where it is run (`execute`), with the partitions as values, so that the planner leaves all others alone
 * before they are locked.
 *
 * @module
 */
import { StoreOpenError } from "../open_error.ts";
import { PARTITIONS } from "./partitions.ts";
import type { Session } from "./pool.ts";

/** The newest version. */
const VERSION = 2;
/** Of the advisory lock, "DIT" in ASCII. */
const LOCK = 0x444954;

const TABLES = `
create sequence dit.stamps;
create table dit.rows (
  stamp bigint not null,
  key bytea primary key,
  value bytea not null
);
create table dit.claims (
  stamp bigint not null,
  ordinal int not null,
  id bytea not null,
  value bytea not null,
  primary key (id, ordinal)
) partition by list (ordinal);
create table dit.records (
  stamp bigint not null,
  day int not null,
  key bytea not null,
  value bytea not null,
  primary key (key, day)
) partition by list (day);
-- Values are sealed or small: what is larger lies beside the row, and is not compressed again.
alter table dit.rows alter column value set storage external;
alter table dit.claims alter column value set storage external;
alter table dit.records alter column value set storage external;
`;

/** What there is of some rows: the place of each among them, its stamp and its value. */
const FIND = `
create function dit.find(lots int[], keys bytea[])
returns table (place bigint, stamp bigint, value bytea) language plpgsql stable as $$
begin
  return query select k.place, r.stamp, r.value
    from unnest(lots, keys) with ordinality k (lot, key, place) join dit.rows r on r.key = k.key where k.lot = 0;
  if 0 < any (lots) then
    return query execute 'select k.place, r.stamp, r.value
      from unnest($1, $2) with ordinality k (lot, key, place)
      join dit.claims r on r.ordinal = k.lot - 1 and r.id = k.key
      where r.ordinal = any ($3)' using lots, keys, dit.ordinals_of(lots);
  end if;
  if 0 > any (lots) then
    return query execute 'select k.place, r.stamp, r.value
      from unnest($1, $2) with ordinality k (lot, key, place)
      join dit.records r on r.day = -k.lot - 1 and r.key = k.key
      where r.day = any ($3)' using lots, keys, dit.days_of(lots);
  end if;
end $$;
`;

/** The partitions of lots: the ordinals of those of claims, the days of those of records. */
const LOTS = `
create function dit.ordinals_of(lots int[]) returns int[] language sql immutable as $$
  select array(select distinct lot - 1 from unnest(lots) lot where lot > 0)
$$;
create function dit.days_of(lots int[]) returns int[] language sql immutable as $$
  select array(select distinct -lot - 1 from unnest(lots) lot where lot < 0)
$$;
`;

/** A page of claims, which goes through their partitions one after the other, and through no more than it needs. */
const LISTS = `
create function dit.list_claims(
  from_ordinal int, from_id bytea, to_ordinal int, to_id bytea, is_reverse boolean, most int
) returns table (ordinal int, key bytea, stamp bigint, value bytea) language plpgsql stable as $$
declare
  step int := case when is_reverse then -1 else 1 end;
  of_partition int;
  got int;
begin
  for of_partition in
    select o from (
      select substring(c.relname from '\\d+$')::int as o
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'dit.claims'::regclass
    ) partitions
    where o between from_ordinal and to_ordinal and (o < to_ordinal or to_id <> '') order by o * step
  loop
    return query execute
      'select ordinal, id, stamp, value from dit.claims where ordinal = $1 and id >= $2'
      || case when of_partition = to_ordinal then ' and id < $3' else '' end
      || ' order by id ' || case when is_reverse then 'desc' else 'asc' end || ' limit $4'
      using of_partition, case when of_partition = from_ordinal then from_id else '' end, to_id, most;
    get diagnostics got = row_count;
    most := most - got;
    exit when most = 0;
  end loop;
end $$;

create function dit.list_records(
  first_day int, last_day int, is_reverse boolean, from_key bytea, to_key bytea, most int
) returns table (ordinal int, key bytea, stamp bigint, value bytea) language plpgsql stable as $$
begin
  return query execute
    'select null::int, key, stamp, value from dit.records
     where day between $1 and $2 and key >= $3 and key < $4
     order by key ' || case when is_reverse then 'desc' else 'asc' end || ' limit $5'
    using first_day, last_day, from_key, to_key, most;
end $$;
`;

/** Writes rows and removes others; of two writes to one key the caller has kept the later. */
const PUT = `
create function dit.set_rows(lots int[], keys bytea[], vals bytea[], stamps bigint[])
returns void language plpgsql as $$
begin
  if 0 = any (lots) then
    insert into dit.rows (stamp, key, value)
      select s.stamp, s.key, s.value from unnest(lots, keys, vals, stamps) s (lot, key, value, stamp)
      where s.lot = 0 order by s.key
      on conflict (key) do update set value = excluded.value, stamp = excluded.stamp;
  end if;
  if 0 < any (lots) then
    insert into dit.claims (stamp, ordinal, id, value)
      select s.stamp, s.lot - 1, s.key, s.value from unnest(lots, keys, vals, stamps) s (lot, key, value, stamp)
      where s.lot > 0 order by s.lot, s.key
      on conflict (id, ordinal) do update set value = excluded.value, stamp = excluded.stamp;
  end if;
  if 0 > any (lots) then
    insert into dit.records (stamp, day, key, value)
      select s.stamp, -s.lot - 1, s.key, s.value from unnest(lots, keys, vals, stamps) s (lot, key, value, stamp)
      where s.lot < 0 order by s.key
      on conflict (key, day) do update set value = excluded.value, stamp = excluded.stamp;
  end if;
end $$;

create function dit.remove(lots int[], keys bytea[], of_stamp bigint) returns void language plpgsql as $$
begin
  if 0 = any (lots) then
    delete from dit.rows r using unnest(lots, keys) g (lot, key)
      where g.lot = 0 and r.key = g.key and (of_stamp is null or r.stamp = of_stamp);
  end if;
  if 0 < any (lots) then
    execute 'delete from dit.claims r using unnest($1, $2) g (lot, key)
      where r.ordinal = g.lot - 1 and r.id = g.key and ($3 is null or r.stamp = $3) and r.ordinal = any ($4)'
      using lots, keys, of_stamp, dit.ordinals_of(lots);
  end if;
  if 0 > any (lots) then
    execute 'delete from dit.records r using unnest($1, $2) g (lot, key)
      where r.day = -g.lot - 1 and r.key = g.key and ($3 is null or r.stamp = $3) and r.day = any ($4)'
      using lots, keys, of_stamp, dit.days_of(lots);
  end if;
end $$;

create function dit.put(
  stamped bigint, set_lots int[], set_keys bytea[], set_values bytea[], gone_lots int[], gone_keys bytea[]
) returns void language plpgsql as $$
begin
  if cardinality(set_keys) > 0 then
    perform dit.set_rows(set_lots, set_keys, set_values, array_fill(stamped, array[cardinality(set_keys)]));
  end if;
  if cardinality(gone_keys) > 0 then perform dit.remove(gone_lots, gone_keys, null); end if;
end $$;
`;

/** Whether the checks hold: a stamp of -1 says that there is no row. Called in a SERIALIZABLE transaction. */
const COMMIT = `
create function dit.commit(
  check_lots int[], check_keys bytea[], check_stamps bigint[],
  set_lots int[], set_keys bytea[], set_values bytea[], gone_lots int[], gone_keys bytea[]
) returns bigint language plpgsql as $$
declare stamped bigint;
begin
  if cardinality(check_keys) > 0 and exists (
    select from unnest(check_stamps) with ordinality c (stamp, place)
    left join dit.find(check_lots, check_keys) f using (place) where coalesce(f.stamp, -1) <> c.stamp
  ) then return null; end if;
  stamped := nextval('dit.stamps');
  perform dit.put(stamped, set_lots, set_keys, set_values, gone_lots, gone_keys);
  return stamped;
end $$;
`;

/** A group of claims: see claims.ts, which says why this is right. */
const CLAIM = `
create or replace function dit.claim(
  guard_keys bytea[], guard_stamps bigint[],
  claim_lots int[], claim_keys bytea[], claim_values bytea[], claim_guards int[],
  set_lots int[], set_keys bytea[], set_values bytea[], gone_lots int[], gone_keys bytea[]
) returns table (state text, value bytea) language plpgsql as $$
declare
  held int;
  stamped bigint;
begin
  perform from dit.rows r join unnest(guard_keys, guard_stamps) g (key, stamp)
    on r.key = g.key and r.stamp = g.stamp order by r.key for share of r;
  get diagnostics held = row_count;
  if held = cardinality(guard_keys) then
    stamped := nextval('dit.stamps');
    begin
      insert into dit.claims (stamp, ordinal, id, value)
        select stamped, c.lot - 1, c.key, c.value from unnest(claim_lots, claim_keys, claim_values) c (lot, key, value)
        where c.lot > 0 order by c.lot, c.key;
      if not 0 < all (claim_lots) then
        insert into dit.rows (stamp, key, value)
          select stamped, c.key, c.value from unnest(claim_lots, claim_keys, claim_values) c (lot, key, value)
          where c.lot = 0 order by c.key;
        insert into dit.records (stamp, day, key, value)
          select stamped, -c.lot - 1, c.key, c.value from unnest(claim_lots, claim_keys, claim_values) c (lot, key, value)
          where c.lot < 0 order by c.key;
      end if;
      perform dit.put(stamped, set_lots, set_keys, set_values, gone_lots, gone_keys);
      return;
    exception
      when unique_violation then null;
    end;
  end if;
  return query
    select
      case when f.place is not null then 'taken' when h.key is not null then 'free' else 'guard_over' end,
      f.value
    from unnest(claim_guards) with ordinality c (guard, place)
    left join dit.find(claim_lots, claim_keys) f using (place)
    left join dit.rows h on h.key = guard_keys[c.guard] and h.stamp = guard_stamps[c.guard]
    order by c.place;
end $$;
`;

/**
 * What each version added, the first first. The first had a function of the same name and parameters for claims, which the
 * second takes the place of, also under a process of the first that still runs.
 */
const STEPS: readonly string[] = [
  [TABLES, LOTS, FIND, LISTS, PUT, COMMIT, PARTITIONS].join("\n"),
  CLAIM,
];

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
