/**
 * Items of parallel arrays.
 *
 * @module
 */

/** An item of one of several parallel arrays, at an index that another one has. */
export function itemAt<T>(items: readonly T[], index: number): T {
  return items[index]!;
}
