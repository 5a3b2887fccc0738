/**
 * Rows of another store, written with the stamps that they had there: what rests on stamps (that the claims and the
 * records of one commit share one) holds here as it did there.
 *
 * @module
 */
import type { Entry } from "../port.ts";
import { bigintArray, byteaArray, intArray } from "./arrays.ts";
import { attempt } from "./attempts.ts";
import type { Session } from "./pool.ts";
import { boundedPlace, boundedValue, storedStamp } from "./writes.ts";

/** The greatest stamp that is taken over: the half of what a stamp may be is left for commits to come. */
const MAX_STAMP = 2n ** 62n;

const LOAD = "select dit.set_rows($1, $2, $3, $4)";
/** No commit to come may have a stamp that a row has. */
const RAISE = "select setval('dit.stamps', greatest($1::bigint, (select last_value from dit.stamps)))";

/**
 * Writes rows in the place of what is under their keys.
 * @throws {RangeError} If a stamp is none that this engine could give.
 */
export async function loadRows(session: Session, entries: readonly Entry<unknown>[]): Promise<void> {
  if (entries.length === 0) return;
  const stamps = entries.map(({ stamp }) => storedStamp(stamp));
  const newest = stamps.reduce((a, b) => a > b ? a : b);
  if (newest > MAX_STAMP) throw new RangeError("Cannot load row: stamp");
  const places = entries.map(({ key }) => boundedPlace(key));
  const lots = places.map(({ lot }) => lot);
  const parameters = [
    intArray(lots),
    byteaArray(places.map(({ key }) => key)),
    byteaArray(entries.map(({ value }) => boundedValue(value))),
    bigintArray(stamps),
  ];
  await attempt(session, lots, () =>
    session.transaction("read committed", async (query) => {
      await query(LOAD, parameters);
      await query(RAISE, [String(newest)]);
    }));
}
