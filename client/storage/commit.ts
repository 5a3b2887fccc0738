/**
 * The transactions of one client: none for a user who opted out, and nothing is told before it is stored.
 *
 * @module
 */
import type { Report } from "../base/types.ts";
import { OPTED_OUT } from "./records.ts";
import type { ClientStorage, Entries } from "./storage.ts";

/** The user opted out: whatever was under way ends here, and writes nothing. */
export class OptedOutError extends Error {}

/**
 * Runs a transaction of a user who has not opted out. What it reports is told once it is stored, however often it had
 * to be run.
 */
export type Commit = <T>(body: (entries: Entries, report: Report) => T) => Promise<T>;

/** The {@linkcode Commit} of one client. */
export function committing(storage: ClientStorage, report: Report): Commit {
  return async (body) => {
    let reports: Parameters<Report>[] = [];
    const result = await storage.transaction((entries) => {
      if (entries.get(OPTED_OUT) !== undefined) throw new OptedOutError();
      reports = [];
      return body(entries, (...event) => void reports.push(event));
    });
    for (const event of reports) report(...event);
    return result;
  };
}
