/**
 * What the engine takes at most: what a store in Deno KV could take as well where it is about rows, so that a deployment
 * can move both ways; more where it is about round trips.
 *
 * @module
 */
import type { Limits } from "../port.ts";

/** What PostgreSQL takes. A key has to fit its index (a third of a page of 8 KiB). */
export const POSTGRES_LIMITS: Limits = {
  checksPerCommit: 1_000,
  writesPerCommit: 1_000,
  keysPerRead: 500,
  rowsPerPage: 500,
  bytesPerKey: 2_048,
  bytesPerValue: 64 * 1024,
  bytesPerCommit: 4 * 1024 * 1024,
};

/** Claims of one group. */
export const MAX_GROUP = 1_000;
