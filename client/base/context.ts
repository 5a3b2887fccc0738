/**
 * What the parts of one client share. Nothing of it is global.
 *
 * @module
 */
import type { RandomSource } from "../../core/base/random.ts";
import type { ClientSuite } from "../../core/voprf/noble_client.ts";
import type { Clock } from "./clock.ts";
import type { Fetch } from "../http/http.ts";
import { OPTED_OUT } from "../storage/records.ts";
import type { ClientStorage, Entries } from "../storage/storage.ts";
import type { LocalDpReporter, Report, SessionSource } from "./types.ts";

/** The surroundings of a client. */
export interface Context {
  /** `{endpoint}/v1/apps/{app}`, without a slash at its end. */
  readonly url: string;
  readonly app: string;
  readonly session: SessionSource;
  readonly suite: ClientSuite;
  readonly storage: ClientStorage;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly report: Report;
  readonly gzip: boolean;
  readonly localDp: LocalDpReporter | undefined;
  /** Ends what is on its way when the user opts out. */
  readonly signal: AbortSignal;
  /** Whether the page is hidden and may end at any moment. */
  readonly isHidden: () => boolean;
}

/** The user opted out: whatever was under way ends here, and writes nothing. */
export class OptedOutError extends Error {}

/**
 * Runs a transaction of a user who has not opted out. What it reports is told once it is stored, however often it had
 * to be run.
 */
export async function commit<T>(
  context: Context,
  body: (entries: Entries, report: Report) => T,
): Promise<T> {
  let reports: Parameters<Report>[] = [];
  const result = await context.storage.transaction((entries) => {
    if (entries.get(OPTED_OUT) !== undefined) throw new OptedOutError();
    reports = [];
    return body(entries, (...event) => void reports.push(event));
  });
  for (const event of reports) context.report(...event);
  return result;
}
