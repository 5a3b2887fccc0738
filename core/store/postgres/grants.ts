/**
 * Whether the user has every right that it will need, seen at the start: without one of them a service would take requests,
 * and fail only at those that need it, such as the first log of a day.
 *
 * @module
 */
import type { Session } from "./pool.ts";

/** What is called to read. */
const READS = ["find", "ordinals_of", "days_of", "list_claims", "list_records"];
/** What is called besides where rows are written. */
const WRITES = ["set_rows", "remove", "put", "commit", "claim", "make_partition", "drop_partition"];

/**
 * Each right is asked for by itself: of several in one text, one is enough. `nextval` takes either of two. Partitions are
 * reached through their table, whose rights count.
 */
const HAS_ALL = `select has_table_privilege('dit.version', 'select')
    and (select bool_and(has_table_privilege('dit.' || of_table, its))
      from unnest(array['rows', 'claims', 'records']) of_table, unnest($1::text[]) its)
    and (select bool_and(has_function_privilege(oid, 'execute'))
      from pg_proc where pronamespace = 'dit'::regnamespace and proname = any ($2::text[]))
    and ($3 or has_sequence_privilege('dit.stamps', 'usage, update')) as all`;

/** Whether the user may do all that the service does, or all that reads where it does nothing else. */
export async function hasGrants(session: Session, readsOnly: boolean): Promise<boolean> {
  const [row] = await session.query(HAS_ALL, [
    ["select", ...readsOnly ? [] : ["insert", "update", "delete"]],
    [...READS, ...readsOnly ? [] : WRITES],
    readsOnly,
  ]);
  return row?.all === true;
}
