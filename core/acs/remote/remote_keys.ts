/**
 * On a log server: the keys of an ACS elsewhere under which it has stored something. Each has an ordinal and an alive row
 * of its own here, so that a stored use is a claim like any other: committed in groups, counted by the audit, and swept
 * with its key. That a key has ended is never forgotten: with a new number its uses, whose claims are swept, could be
 * stored a second time after a clock that was ahead.
 *
 * @module
 */
import { toBase64url } from "../../base/bytes.ts";
import { keyExpired } from "../../keys/key_ring.ts";
import type { EndedKey } from "../../keys/key_row.ts";
import { REMOTE_KEYS } from "../families.ts";
import { ALIVE_KEYS, ENDED_KEYS, ORDINALS } from "../../keys/families.ts";
import type { Guard } from "../../store/claims.ts";
import type { Store } from "../../store/store.ts";

/** What the store keeps of a remote key. */
export interface RemoteKeyRow {
  /** A number of its own that short rows refer to. */
  readonly ordinal: number;
  /** Unix seconds until which the ACS redeems under it. */
  readonly redeemUntil: number;
  /** Whether it has ended here: its uses are swept, and nothing is ever stored under it again. */
  readonly ended: boolean;
}

/** What a commit under a remote key needs. */
export interface RemoteKey {
  /** The key's number here. */
  readonly ordinal: number;
  /** Its alive row here, as it was read. */
  readonly alive: Guard;
}

/** Seconds that what was stored under a key outlives it. */
const OUTLIVES_SECONDS = 3_600;
const MAX_CACHED = 1_000;

/** The remote keys of one process. */
export class RemoteKeys {
  readonly #store: Store;
  readonly #cached = new Map<string, RemoteKey>();

  /** Reads and writes `store`. */
  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * The key under its number here, which it is given at its first use; only then `redeemUntil` is asked for.
   * @throws {Refusal} `key_expired` when it has ended here, `store_unavailable`.
   */
  async of(app: string, keyId: Uint8Array, redeemUntil: () => Promise<number>): Promise<RemoteKey> {
    const name = `${app} ${toBase64url(keyId)}`;
    let key = this.#cached.get(name);
    if (key === undefined) {
      key = await this.#find(app, keyId, redeemUntil);
      // There are a few keys for each application; more would be a mistake somewhere, and forgetting costs a read.
      if (this.#cached.size >= MAX_CACHED) this.#cached.clear();
      this.#cached.set(name, key);
    }
    return key;
  }

  /** The number of a key under which something is stored here; undefined where nothing is, or the key has ended. */
  async ordinalOf(app: string, keyId: Uint8Array): Promise<number | undefined> {
    const { value } = await this.#store.get<RemoteKeyRow>(REMOTE_KEYS.key(app, keyId));
    return value === null || value.ended ? undefined : value.ordinal;
  }

  /** Forgets what was read: a commit has found that a key has ended. */
  forget(): void {
    this.#cached.clear();
  }

  async #find(
    app: string,
    keyId: Uint8Array,
    redeemUntil: () => Promise<number>,
  ): Promise<RemoteKey> {
    const store = this.#store;
    // The ACS is asked once, however often the commit is overtaken.
    let until: number | undefined;
    const { result: ordinal } = await store.update<number, number>(
      ORDINALS.key(),
      async (counter, commit) => {
        const row = await store.get<RemoteKeyRow>(REMOTE_KEYS.key(app, keyId));
        if (row.value !== null) return row.value.ordinal;
        const next = counter.value ?? 0;
        until ??= await redeemUntil();
        const fresh: RemoteKeyRow = { ordinal: next, redeemUntil: until, ended: false };
        commit.check(row)
          .set(counter.key, next + 1)
          .set(row.key, fresh)
          .set(ALIVE_KEYS.key(next), true);
        return next;
      },
    );
    const alive = await store.get<boolean>(ALIVE_KEYS.key(ordinal));
    // After it: whoever moves the store writes it anew once it has said so.
    await store.requirePlace();
    if (alive.stamp === null) throw keyExpired();
    return { ordinal, alive: { key: alive.key, stamp: alive.stamp } };
  }
}

/**
 * Ends the remote keys whose time is over at `nowSeconds`, for good; what was stored under them is swept later. Gives how
 * many it ended. Idempotent.
 */
export async function endRemoteKeys(store: Store, region: string, nowSeconds: number): Promise<number> {
  let ended = 0;
  for await (const entry of store.list<RemoteKeyRow>(REMOTE_KEYS.all())) {
    const { ordinal, redeemUntil, ended: endedBefore } = entry.value;
    if (endedBefore || nowSeconds < redeemUntil) continue;
    const endedKey: EndedKey = {
      app: entry.key[1] as string,
      region,
      epoch: 0,
      generation: 0,
      claimsAfter: nowSeconds + OUTLIVES_SECONDS,
    };
    const done = await store.commit((commit) =>
      commit.check(entry)
        .delete(ALIVE_KEYS.key(ordinal))
        .set(entry.key, { ...entry.value, ended: true })
        .set(ENDED_KEYS.key(ordinal), endedKey)
    );
    if (done !== undefined) ended++;
  }
  return ended;
}
