/**
 * Claims in PostgreSQL: a group is one statement, which says what became of each claim.
 *
 * Why it is right under READ COMMITTED, with any number of processes. `dit.claim` (schema.ts) first locks the guards'
 * rows FOR SHARE, so that no transaction changes or removes one before this statement has committed, and looks at the rows
 * as they are once it has the locks: a guard that was written anew meanwhile has another stamp and is not found. FOR KEY
 * SHARE would not do, since an update that leaves the key alone does not wait for it. Then the claims are inserted: the
 * primary key admits one row a key, and an insert waits for whoever inserts the same key until that one has committed or
 * given up. If one has committed, the insert fails, and what the group has inserted so far is undone by itself (a
 * subtransaction), before anybody has seen it; the guards stay locked, and each claim is looked up anew, by a statement
 * that sees what has been committed. If none has, what goes with the claims is written and the statement commits as a
 * whole. ON CONFLICT DO NOTHING would come to the same at more cost: it looks into the index twice, and confirms each row
 * in the log.
 *
 * Claims and guards are taken in the order of their keys, so that two groups do not wait for each other; where they do
 * otherwise (with a commit of other rows), the server ends one with 40P01, which no subtransaction catches, and it is sent
 * again (attempts.ts). Under another isolation, which a role may have as its default behind a pooler, a statement that
 * was overtaken is sent again as well (40001), or finds by its older snapshot that a claim which somebody has made
 * meanwhile is free: then nothing was written, and the next statement finds it taken.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Claim, Claimed, Claims, EngineCalls, Guard } from "../claims.ts";
import { roomInCommit } from "../limits.ts";
import type { Write } from "../port.ts";
import { bigintArray, byteaArray, intArray } from "./arrays.ts";
import { attempt } from "./attempts.ts";
import { MAX_GROUP, POSTGRES_LIMITS } from "./limits.ts";
import { COMMON_LOT, placeOf } from "./lots.ts";
import type { Session } from "./pool.ts";
import { decodeValue } from "./value_bytes.ts";
import { boundedPlace, boundedValue, placeParameters, storedStamp, writeParameters } from "./writes.ts";

const CLAIM = "select state, value from dit.claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/** Claims in one database. */
export class PostgresClaims implements Claims {
  readonly #session: Session;
  readonly #calls: EngineCalls;

  /** Claims by these calls. */
  constructor(session: Session, calls: EngineCalls) {
    this.#session = session;
    this.#calls = calls;
  }

  /** See {@linkcode Claims.fits}. */
  fits(claims: number, guards: number, bytes: number): boolean {
    return claims <= MAX_GROUP && guards <= POSTGRES_LIMITS.checksPerCommit &&
      bytes <= roomInCommit(POSTGRES_LIMITS);
  }

  /** See {@linkcode Claims.claimGroup}. All claims of a group win, or none does and the answer says why. */
  async claimGroup<C extends Claim>(
    group: readonly C[],
    writesOf: (winners: readonly C[]) => readonly Write[],
  ): Promise<Claimed<C>[]> {
    const guards = [...new Set(group.map(({ guard }) => guard))];
    const numbers = new Map(guards.map((guard, index) => [guard, index + 1]));
    const places = group.map(({ key }) => boundedPlace(key));
    const writes = writesOf(group);
    const parameters = [
      ...guardParameters(guards),
      ...placeParameters(places),
      byteaArray(group.map(({ value }) => boundedValue(value))),
      intArray(group.map(({ guard }) => numbers.get(guard) ?? 0)),
      ...writeParameters(writes),
    ];
    const rows = await this.#calls.write(() =>
      attempt(
        this.#session,
        [...places, ...writes.map(({ key }) => placeOf(key))].map(({ lot }) => lot),
        () => this.#session.query(CLAIM, parameters),
      )
    );
    if (rows.length === 0) return group.map((claim) => ({ is: "accepted", claim }));
    return group.map((claim, index): Claimed<C> => {
      const { state, value } = rows[index] ?? {};
      if (state === "taken") return { is: state, claim, value: decodeValue(value as Uint8Array) };
      return { is: state === "free" ? state : "guard_over", claim };
    });
  }
}

/** `guard_keys` and `guard_stamps`. */
function guardParameters(guards: readonly Guard[]): Buffer[] {
  const places = guards.map(({ key }) => boundedPlace(key));
  if (places.some(({ lot }) => lot !== COMMON_LOT)) {
    throw new TypeError("A claim and a record guard nothing.");
  }
  return [
    byteaArray(places.map(({ key }) => key)),
    bigintArray(guards.map(({ stamp }) => storedStamp(stamp))),
  ];
}
