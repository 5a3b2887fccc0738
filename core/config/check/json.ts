/**
 * What the hand-written checks share.
 *
 * @module
 */

/** An object by the names of its members. */
export type Members = Record<string, unknown>;

/** Whether a value has named members: an object that is no list. */
export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Adds a sentence for each member that no setting is called. */
export function refuseUnknown(
  path: string,
  members: Members,
  known: readonly string[],
  mistakes: string[],
): void {
  for (const name of Object.keys(members)) {
    if (!known.includes(name)) mistakes.push(`${path}: remove "${name}", which no setting is called.`);
  }
}
