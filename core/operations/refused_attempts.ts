/**
 * What operators tried that they may not, in the audit log: an entry for the first of its kind in an hour, so that a
 * flood of them writes no more than a few.
 *
 * @module
 */
import { Refusal } from "../base/errors.ts";
import type { Actor, AuditLog } from "./audit_log.ts";

/** Entries that a process writes in an hour about one operator, and about all of them: as many of either kind. */
const MAX_OF_ONE = 10;
const MAX_ENTRIES = 100;
/** Attempts to see and attempts to change: whoever looks about uses up nothing of what is kept for changes. */
type Kind = "see" | "change";
/** What stands in the last entry about one of them, and about all. */
const last = (whoever: string, kind: Kind) =>
  `Whatever else ${whoever} to ${kind} in this hour is not written down.`;
const HOUR_SECONDS = 3_600;
/** What only somebody who is no operator of it is refused. */
const CODES: ReadonlySet<string> = new Set(["role_insufficient", "app_unknown"]);

/** What attempts are written down with. */
export interface RefusedAttemptsOptions {
  /** Where to. */
  readonly auditLog: Pick<AuditLog, "append">;
  /** Unix seconds. */
  readonly now: () => number;
}

/** Writes attempts down. One instance a process. */
export class RefusedAttempts {
  readonly #options: RefusedAttemptsOptions;
  #hour = -1;
  /** What was written of this hour, by who tried it. */
  readonly #written: Readonly<Record<Kind, Map<string, Set<string>>>> = { see: new Map(), change: new Map() };

  /** Nothing is written yet. */
  constructor(options: RefusedAttemptsOptions) {
    this.#options = options;
  }

  /**
   * Does `decide`, and writes down that `actor` tried `action` if it refuses that.
   * @throws What `decide` throws, whether it could be written down or not: nothing was done.
   */
  async during<T>(actor: Actor, action: string, decide: () => T): Promise<T> {
    try {
      return decide();
    } catch (error) {
      if (error instanceof Refusal && CODES.has(error.code)) await this.#write(actor, action, error.code);
      throw error;
    }
  }

  async #write({ name, by, via }: Actor, action: string, refused: string): Promise<void> {
    const { auditLog, now } = this.#options;
    const hour = Math.floor(now() / HOUR_SECONDS);
    if (hour !== this.#hour) Object.values(this.#written).forEach((written) => written.clear());
    this.#hour = hour;
    const kind = /^(?:POST|PUT|PATCH|DELETE) /.test(action) ? "change" : "see";
    const written = this.#written[kind];
    const total = written.values().reduce((sum, { size }) => sum + size, 0);
    const own = written.get(name) ?? new Set();
    if (own.has(action) || own.size >= MAX_OF_ONE || total >= MAX_ENTRIES) return;
    written.set(name, own.add(action));
    const details = total + 1 === MAX_ENTRIES
      ? last("anybody attempts", kind)
      : own.size === MAX_OF_ONE
      ? last("they attempt", kind)
      : undefined;
    await auditLog.append({ operator: name, by, via, action, details, refused })
      .catch(() => own.delete(action));
  }
}
