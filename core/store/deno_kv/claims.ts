/**
 * Claims in Deno KV: one commit in which each claim is guarded by a check of its own, and a read-back when a check failed.
 *
 * Facts this file rests on: two identical check-absent + set pairs in one commit both pass; a commit that throws or hangs
 * may still land, and the KV Connect client repeats writes silently, so that a commit which landed can say that a check
 * failed. A claim is known to stand only after `ok` or a read-back.
 *
 * @module
 */
import { StoreUnavailable } from "../breaker.ts";
import type { Claim, Claimed, Claims, EngineCalls, Guard } from "../claims.ts";
import { roomInCommit } from "../limits.ts";
import type { Key, Limits, Write } from "../port.ts";
import { DENO_KV_LIMITS, KV_CONNECT_LIMITS } from "./limits.ts";
import { addWrites } from "./writes.ts";

/** Checks that every endpoint takes; whether one takes no more is learned when it refuses a commit. */
const LEAST_MAX_CHECKS = KV_CONNECT_LIMITS.checksPerCommit;

/** Claims in one database. */
export class DenoKvClaims implements Claims {
  readonly #kv: Deno.Kv;
  readonly #limits: Limits;
  readonly #calls: EngineCalls;
  #maxChecks: number;

  /** Claims in `kv`, which has these limits. */
  constructor(kv: Deno.Kv, limits: Limits, calls: EngineCalls) {
    this.#kv = kv;
    this.#limits = limits;
    this.#calls = calls;
    this.#maxChecks = DENO_KV_LIMITS.checksPerCommit;
  }

  /** See {@linkcode Claims.fits}: each claim and each guard is a check. */
  fits(claims: number, guards: number, bytes: number): boolean {
    return claims + guards <= this.#maxChecks && bytes <= roomInCommit(this.#limits);
  }

  /** See {@linkcode Claims.claimGroup}. All claims of a group win, or none does and the reason is read. */
  async claimGroup<C extends Claim>(
    group: readonly C[],
    writesOf: (winners: readonly C[]) => readonly Write[],
  ): Promise<Claimed<C>[]> {
    const guards = new Set(group.map(({ guard }) => guard));
    const operation = this.#kv.atomic();
    for (const { key, stamp } of guards) operation.check({ key, versionstamp: stamp });
    addWrites(operation, writesOf(group));
    for (const { key, value } of group) operation.check({ key, versionstamp: null }).set(key, value);
    try {
      const { ok } = await this.#calls.write(() => operation.commit());
      if (ok) return group.map((claim) => ({ is: "accepted", claim }));
    } catch (error) {
      if (!isTooManyChecks(error) || group.length + guards.size <= LEAST_MAX_CHECKS) throw error;
      this.#maxChecks = LEAST_MAX_CHECKS;
      return group.map((claim) => ({ is: "free", claim }));
    }
    return await this.#readBack(group, [...guards]);
  }

  async #readBack<C extends Claim>(group: readonly C[], guards: readonly Guard[]): Promise<Claimed<C>[]> {
    const [rows, guardRows] = await Promise.all([
      this.#read(group.map(({ key }) => key)),
      this.#read(guards.map(({ key }) => key)),
    ]);
    const holding = new Set(guards.filter(({ stamp }, index) => guardRows[index]?.versionstamp === stamp));
    return group.map((claim, index): Claimed<C> => {
      // A row for each key, in their order.
      const { versionstamp, value } = rows[index]!;
      if (versionstamp !== null) return { is: "taken", claim, value };
      return { is: holding.has(claim.guard) ? "free" : "guard_over", claim };
    });
  }

  async #read(keys: readonly Key[]): Promise<Deno.KvEntryMaybe<unknown>[]> {
    const { keysPerRead } = this.#limits;
    const batches: Promise<Deno.KvEntryMaybe<unknown>[]>[] = [];
    for (let at = 0; at < keys.length; at += keysPerRead) {
      const batch = keys.slice(at, at + keysPerRead);
      batches.push(this.#calls.read(() => this.#kv.getMany<unknown[]>(batch)));
    }
    return (await Promise.all(batches)).flat();
  }
}

function isTooManyChecks(error: unknown): boolean {
  if (!(error instanceof StoreUnavailable)) return false;
  const { cause } = error;
  return cause instanceof Error && /too ?many ?checks/i.test(cause.message);
}
