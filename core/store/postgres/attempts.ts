/**
 * Statements that the server refused as a whole and that may go through when they are sent again. Nothing of a refused one
 * has happened, so that this is safe; one without an answer is never sent again here.
 *
 * @module
 */
import { dropEmptyDays, makePartitions } from "./partitions.ts";
import { type Session, sqlState } from "./pool.ts";

/** Commits that were overtaken (SERIALIZABLE says so), and deadlocks. */
const OVERTAKEN: readonly (string | undefined)[] = ["40001", "40P01"];
/** No partition takes the row. */
const NO_PARTITION = "23514";
const MAX_ATTEMPTS = 50;

/**
 * Runs `work` until it is not overtaken. Partitions of `lots` are made where one is missing; when one of a day has been,
 * earlier days that are empty go afterwards.
 */
export async function attempt<T>(
  session: Session,
  lots: Iterable<number>,
  work: () => Promise<T>,
): Promise<T> {
  let lacksPartition = false;
  let hasMade = false;
  for (let attempts = 1;; attempts++) {
    try {
      if (lacksPartition) {
        await makePartitions(session, new Set(lots));
        hasMade = true;
      }
      lacksPartition = false;
      const result = await work();
      if (hasMade) dropEmptyDays(session, new Set(lots));
      return result;
    } catch (error) {
      const state = sqlState(error);
      if (attempts >= MAX_ATTEMPTS || state !== NO_PARTITION && !OVERTAKEN.includes(state)) throw error;
      if (state === NO_PARTITION) lacksPartition = true;
      else await new Promise((resolve) => setTimeout(resolve, Math.min(attempts, 10)));
    }
  }
}
