/**
 * The store as the rooms of the core use it: an engine in which every call has a deadline and each room's rows lie under
 * keys of its own families.
 *
 * @module
 */
import { Breaker, StoreUnavailable } from "./breaker.ts";
import type { ClaimingEngine, Claims, Guard } from "./claims.ts";
import { Commit } from "./commit.ts";
import { callsWithDeadlines, withDeadlines } from "./deadlines.ts";
import { STORE_COPIES } from "./families.ts";
import { saysMoved, StoreMoved } from "./moved.ts";
import type { Capabilities, Engine, Entry, Key, Limits, MaybeEntry, Range } from "./port.ts";
import { sweep, type SweepPace } from "./sweep.ts";
import { type Change, update, type Updated } from "./update.ts";

/** How a {@linkcode Store} behaves. */
export interface StoreOptions {
  /** Milliseconds after which a call counts as unanswered; 2000 by default. */
  readonly deadlineMs?: number;
  /** Hears of each call that had no result, with the error of one that threw. */
  readonly onFault?: (fault: StoreUnavailable) => void;
}

/** How a range is read. */
export interface ListOptions {
  /** Most rows; all by default. */
  readonly limit?: number;
  /** Rows of a page, each of which is one snapshot; 100 by default. */
  readonly batchSize?: number;
  /** Whether from the end. */
  readonly reverse?: boolean;
}

/** A store in which every call has a deadline and fails with {@linkcode StoreUnavailable}. */
export class Store {
  /** Milliseconds after which a call counts as unanswered. */
  readonly deadlineMs: number;
  /** Holds back reads while the store does not answer them. */
  readonly reads: Breaker = new Breaker();
  /** Holds back commits while the store does not answer them. */
  readonly writes: Breaker = new Breaker();
  /** Makes groups of claims true, by calls with deadlines. */
  readonly claims: Claims;
  readonly #engine: Engine;
  #moved = false;

  /** Wraps an open engine. */
  constructor(engine: ClaimingEngine, { deadlineMs = 2_000, onFault }: StoreOptions = {}) {
    this.deadlineMs = deadlineMs;
    const calls = callsWithDeadlines(this, { deadlineMs, onFault });
    this.claims = engine.claims(calls);
    this.#engine = withDeadlines(engine, calls);
  }

  /** Whether its last read and its last commit were answered as they should be; true before there were any. */
  get answers(): boolean {
    return !this.reads.failing && !this.writes.failing;
  }

  /** Whether it was moved when that was last looked at: then every write is refused with {@linkcode StoreMoved}. */
  get moved(): boolean {
    return this.#moved;
  }

  /**
   * Looks whether another store has taken the place of this one.
   * @throws {StoreMoved} Then. {@linkcode StoreUnavailable} if the store does not say.
   */
  async requirePlace(): Promise<void> {
    this.#moved = saysMoved(await this.#engine.get(STORE_COPIES.key()));
    if (this.#moved) throw new StoreMoved();
  }

  /**
   * Looks whether that is over on which a commit rested that was held back.
   * @throws {StoreUnavailable} If it is there, written anew since: {@linkcode StoreMoved} where that was because the store
   * was moved.
   */
  async requireOver({ key, stamp }: Guard): Promise<void> {
    const row = await this.#engine.get(key);
    await this.requirePlace();
    if (row.stamp !== null && row.stamp !== stamp) throw new StoreUnavailable("refused");
  }

  /** What the engine takes at most. */
  get limits(): Limits {
    return this.#engine.limits;
  }

  /** What the engine can do. */
  get capabilities(): Capabilities {
    return this.#engine.capabilities;
  }

  /** One row. */
  get<T>(key: Key): Promise<MaybeEntry<T>> {
    return this.#engine.get<T>(key);
  }

  /** Many rows, in the order of `keys`. Not one snapshot where they are more than the engine reads at once. */
  async getMany<T>(keys: readonly Key[]): Promise<MaybeEntry<T>[]> {
    const { keysPerRead } = this.limits;
    const batches: Promise<MaybeEntry<T>[]>[] = [];
    for (let at = 0; at < keys.length; at += keysPerRead) {
      batches.push(this.#engine.getMany<T>(keys.slice(at, at + keysPerRead)));
    }
    return (await Promise.all(batches)).flat();
  }

  /** Rows in order of their keys, read in pages, each with the deadline. Only a page is one snapshot. */
  async *list<T>(
    range: Range,
    { limit = Infinity, batchSize = 100, reverse }: ListOptions = {},
  ): AsyncGenerator<Entry<T>> {
    for (let left = limit, cursor = ""; left > 0;) {
      const size = Math.min(batchSize, left, this.limits.rowsPerPage);
      const page = await this.#engine.list<T>(range, { limit: size, cursor, reverse });
      yield* page.entries;
      if (page.entries.length < size) return;
      left -= size;
      cursor = page.cursor;
    }
  }

  /**
   * Commits what `build` puts together, as a whole or not at all.
   * @returns The commit's stamp, or undefined when a check failed.
   *
   * @example
   * ```ts
   * const done = await store.commit((commit) => commit.check(entry).set(entry.key, "new").delete(other));
   * ```
   */
  async commit(build: (commit: Commit) => void): Promise<string | undefined> {
    const commit = new Commit();
    build(commit);
    const done = await this.#engine.commit(commit.checks, commit.writes);
    return done.ok ? done.stamp : undefined;
  }

  /** Changes a row that others may change at the same time: see {@linkcode Change}. */
  update<T, R>(key: Key, change: Change<T, R>): Promise<Updated<R>> {
    return update(this.#engine, key, change);
  }

  /** Removes the rows of a range, or those of them that are over, a few at a time. Gives how many. */
  sweep<T>(range: Range, pace: SweepPace, isOver?: (entry: Entry<T>) => boolean): Promise<number> {
    return sweep(this.#engine, range, pace, isOver);
  }

  /** Whether {@linkcode Store.load} works. */
  get keepsStamps(): boolean {
    return this.#engine.load !== undefined;
  }

  /**
   * Writes rows of another store with the stamps that they have there, at most as many as a commit takes.
   * @throws {TypeError} If the engine gives stamps itself.
   */
  async load(entries: readonly Entry<unknown>[]): Promise<void> {
    if (this.#engine.load === undefined) throw new TypeError("This store gives stamps itself.");
    await this.#engine.load(entries);
  }

  /** Closes it. */
  close(): void {
    this.#engine.close();
  }
}
