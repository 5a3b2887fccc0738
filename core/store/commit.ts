/**
 * Puts a commit together.
 *
 * @module
 */
import type { Check, Key, Write } from "./port.ts";

/** The checks and writes of a commit. */
export class Commit {
  readonly #checks: Check[] = [];
  readonly #writes: Write[] = [];

  /** What must hold. */
  get checks(): readonly Check[] {
    return this.#checks;
  }

  /** What is done then. */
  get writes(): readonly Write[] {
    return this.#writes;
  }

  /** Goes through only if these rows are as they were read; a stamp of null: not there. */
  check(...checks: readonly Check[]): this {
    for (const { key, stamp } of checks) this.#checks.push({ key, stamp });
    return this;
  }

  /** Writes a row. */
  set(key: Key, value: unknown): this {
    this.#writes.push({ type: "set", key, value });
    return this;
  }

  /** Removes a row, if it is there. */
  delete(key: Key): this {
    this.#writes.push({ type: "delete", key });
    return this;
  }
}
