/**
 * A mark on the device for as long as a run goes on. Whoever finds the mark of one that has died knows that it crashed.
 *
 * @module
 */
import { harmless } from "./target.ts";

/** The part of `navigator.locks` (Web Locks API) that is used: a platform lets go of what a dead page held. */
interface Locks {
  request(name: string, options: object, work: (lock: unknown) => unknown): Promise<unknown>;
}

/** The platform's; undefined where there are none: outside of secure contexts, and in Node. */
function locksOf(): Locks | undefined {
  return (globalThis.navigator as { locks?: Locks } | undefined)?.locks;
}

/** The mark of this run among those of others of the same app. */
export class RunMark {
  readonly #prefix: string;
  readonly #key: string;
  readonly #locks = locksOf();
  #release: (() => void) | undefined;

  /** Nothing is written yet. */
  constructor(name: string) {
    this.#prefix = `${name}.run.`;
    this.#key = this.#prefix + crypto.randomUUID();
  }

  /** Sets it, unless it is set. */
  set(): void {
    if (this.#release !== undefined || this.#locks === undefined) return;
    const end = new Promise<void>((resolve) => this.#release = resolve);
    const release = this.#release;
    this.#locks.request(this.#key, {}, async () => {
      // The lock comes first: without it the mark would be one of the dead.
      if (this.#release !== release) return;
      localStorage.setItem(this.#key, "");
      await end;
    }).catch(() => {});
  }

  /** Takes it away, at once. */
  readonly remove = (): void => {
    this.#release?.();
    this.#release = undefined;
    harmless(() => localStorage.removeItem(this.#key))();
  };

  /** Takes away the marks of runs that have died: how many there were. Of two that look at once one finds each. */
  async takeDead(): Promise<number> {
    let dead = 0;
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.#prefix) || key === this.#key) continue;
      await this.#locks?.request(key, { ifAvailable: true }, (lock) => {
        if (lock === null || localStorage.getItem(key) === null) return;
        localStorage.removeItem(key);
        dead++;
      });
    }
    return dead;
  }
}
