/**
 * Keeps Deno KV's index of expiring rows out of the way on an SQLite file.
 *
 * Deno KV indexes the expiry of every row, also of those that never expire, and so writes each random key into two trees.
 * This service has no expiring rows (core/store/sweep.ts). With a million claims in a file, that second tree was nearly
 * all of what a claim cost more than on an empty one, and half of the file (docs/performance_history.md). The same index over
 * expiring rows alone serves the same statements: each of Deno's asks for `expiration_ms >= 0`.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

const NAME = "kv_expiration_ms_idx";
/** What Deno 2 makes. Another one is left alone: a later version may have its reasons. */
const FULL = `create index ${NAME} on kv (expiration_ms)`;
const EXPIRING_ONLY = `create index ${NAME} on kv (expiration_ms) where expiration_ms >= 0`;
/** Milliseconds to wait for a lock. */
const TIMEOUT_MS = 2_000;

/**
 * Replaces the index in a file that Deno KV has made, in one transaction. Needs to read every row once, the first time.
 * @returns Whether it replaced one; false leaves the file as it was.
 */
export function narrowExpiryIndex(path: string): boolean {
  try {
    using database = new DatabaseSync(path, { timeout: TIMEOUT_MS });
    const row = database.prepare("select sql from sqlite_master where type = 'index' and name = ?").get(NAME);
    if (String(row?.sql).toLowerCase() !== FULL) return false;
    database.exec(`begin immediate; drop index ${NAME}; ${EXPIRING_ONLY}; commit`);
    return true;
  } catch {
    // A file that is locked, full or not to be read this way works with the index that it has.
    return false;
  }
}
