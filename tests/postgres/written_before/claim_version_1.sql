-- dit.claim as version 1 of the tables had it.
create or replace function dit.claim(
  guard_keys bytea[], guard_stamps bigint[],
  claim_lots int[], claim_keys bytea[], claim_values bytea[], claim_guards int[],
  set_lots int[], set_keys bytea[], set_values bytea[], gone_lots int[], gone_keys bytea[]
) returns table (state text, value bytea) language plpgsql as $$
declare
  held int;
  won int;
  more int;
  stamped bigint;
begin
  perform from dit.rows r join unnest(guard_keys, guard_stamps) g (key, stamp)
    on r.key = g.key and r.stamp = g.stamp order by r.key for share of r;
  get diagnostics held = row_count;
  if held = cardinality(guard_keys) then
    stamped := nextval('dit.stamps');
    insert into dit.claims (stamp, ordinal, id, value)
      select stamped, c.lot - 1, c.key, c.value from unnest(claim_lots, claim_keys, claim_values) c (lot, key, value)
      where c.lot > 0 order by c.lot, c.key on conflict do nothing;
    get diagnostics won = row_count;
    if not 0 < all (claim_lots) then
      insert into dit.rows (stamp, key, value)
        select stamped, c.key, c.value from unnest(claim_lots, claim_keys, claim_values) c (lot, key, value)
        where c.lot = 0 order by c.key on conflict do nothing;
      get diagnostics more = row_count;
      won := won + more;
      insert into dit.records (stamp, day, key, value)
        select stamped, -c.lot - 1, c.key, c.value from unnest(claim_lots, claim_keys, claim_values) c (lot, key, value)
        where c.lot < 0 order by c.key on conflict do nothing;
      get diagnostics more = row_count;
      won := won + more;
    end if;
    if won = cardinality(claim_keys) then
      perform dit.put(stamped, set_lots, set_keys, set_values, gone_lots, gone_keys);
      return;
    end if;
    perform dit.remove(claim_lots, claim_keys, stamped);
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
