/**
 * Which store of log servers an application belongs to. Log servers with stores of their own would each store a log that
 * is sent to both, and give each account a quota of its own, so the first store that a log server of the
 * application comes with is the only one, whatever service token it shows then or later (docs/protocol.md, section 8).
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";
import type { Application } from "../config/types.ts";
import type { Store } from "../store/store.ts";
import { STORE_PINS } from "./families.ts";

/** What the store keeps of an application's store. */
export interface StorePinRow {
  /** The store's id: base64url of 16 bytes. */
  readonly store: string;
  /** Unix seconds of its first use. */
  readonly pinnedAt: number;
}

/** A pin as operators see it. */
export interface StorePin extends StorePinRow {
  /** The application. */
  readonly app: string;
}

/** Seconds for which a pin that was read is believed: what an unpinning may take to reach every process. */
const BELIEVED_SECONDS = 5;

/** Pins stores to applications. One instance a process. */
export class StorePins {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly store: string | undefined; readonly readAt: number }>();

  /** Reads and writes `store`; `now` gives Unix seconds. */
  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Refuses a request of another store than the one that the application is pinned to, or (where there is
   * one) of none. Writes nothing.
   * @throws {Refusal} `store_pinned`, `store_unavailable`.
   */
  async check(app: Application, storeId: string | undefined): Promise<void> {
    const pinned = await this.#pinOf(app, storeId);
    if (pinned !== undefined && pinned !== storeId) throw anotherStore(app.id);
  }

  /**
   * The same, and pins a store where none is. It is called once a request is known to be right and before it spends
   * anything.
   * @throws {Refusal} `store_pinned`, `store_unavailable`.
   */
  async pin(app: Application, storeId: string | undefined): Promise<void> {
    if (storeId !== undefined && await this.#pinOf(app, storeId) === undefined) {
      const key = STORE_PINS.key(app.id);
      const row: StorePinRow = { store: storeId, pinnedAt: this.#now() };
      // Another store may be faster: the check below sees which one it was.
      await this.#store.commit((commit) => commit.check({ key, stamp: null }).set(key, row));
    }
    await this.check(app, storeId);
  }

  /** The store that is pinned. One that is believed is read again where it is not the one that asks. */
  async #pinOf(app: Application, storeId: string | undefined): Promise<string | undefined> {
    const known = this.#known.get(app.id);
    const age = this.#now() - (known?.readAt ?? -Infinity);
    if (known !== undefined && known.store === storeId && age >= 0 && age < BELIEVED_SECONDS) return storeId;
    const store = (await this.#store.get<StorePinRow>(STORE_PINS.key(app.id))).value?.store;
    this.#known.set(app.id, { store, readAt: this.#now() });
    return store;
  }
}

function anotherStore(app: string): Refusal {
  return new Refusal(
    "store_pinned",
    `The application ${app} belongs to another store: log servers of one ACS share a store, so give this one the ` +
      `DIT_KV of the others. If that store is gone for good: deno task stores unpin --app ${app}, at the ACS.`,
  );
}

/** All pins, in order of the applications. */
export async function listStorePins(store: Store): Promise<StorePin[]> {
  const pins: StorePin[] = [];
  for await (const { key: [, app], value } of store.list<StorePinRow>(STORE_PINS.all())) {
    pins.push({ app: String(app), store: value.store, pinnedAt: value.pinnedAt });
  }
  return pins;
}

/** Removes the pin of an application to this store; gives whether there was one. Idempotent. */
export async function removeStorePin(store: Store, app: string, storeId: string): Promise<boolean> {
  const entry = await store.get<StorePinRow>(STORE_PINS.key(app));
  if (entry.value?.store !== storeId) return false;
  return await store.commit((commit) => commit.check(entry).delete(entry.key)) !== undefined;
}
