/**
 * The transactions of one client: none for a user who opted out, and nothing is told before it is stored.
 *
 * @module
 */
import { inTime } from "../base/deadline.ts";
import type { Report } from "../base/types.ts";
import { OPTED_OUT } from "./records.ts";
import type { ClientStorage, Entries } from "./storage.ts";

/** The user opted out, or has not agreed yet: whatever was under way ends here, and writes nothing. */
export class OptedOutError extends Error {}

/** Whether the user lets a client work. */
export interface Gate {
  /** Whether the storage is not even looked at. */
  readonly isBarred: boolean;
  /** Called before it is looked at; what comes back is told whether the user has opted out, by another client perhaps. */
  look(): (isOptedOut: boolean) => void;
}

/**
 * Runs a transaction of a user who has not opted out. What it reports is told once it is stored, however often it had
 * to be run.
 */
export type Commit = <T>(body: (entries: Entries, report: Report) => T) => Promise<T>;

/**
 * The {@linkcode Commit} of one client. A storage that does not answer in half a minute counts as one that failed: what
 * it does later is what it does when a process ends.
 */
export function committing(storage: ClientStorage, report: Report, gate?: Gate): Commit {
  return async (body) => {
    if (gate?.isBarred) throw new OptedOutError();
    const see = gate?.look();
    let reports: Parameters<Report>[] = [];
    let isOptedOut = false;
    try {
      const result = await inTime(undefined, () =>
        storage.transaction((entries) => {
          isOptedOut = entries.get(OPTED_OUT) !== undefined;
          // One that was held up may run after the user has chosen.
          if (isOptedOut || gate?.isBarred) throw new OptedOutError();
          reports = [];
          return body(entries, (...event) => void reports.push(event));
        }));
      see?.(false);
      for (const event of reports) report(...event);
      return result;
    } catch (error) {
      if (isOptedOut) see?.(true);
      throw error;
    }
  };
}
