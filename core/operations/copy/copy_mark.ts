/**
 * What a store says of its being copied: one that is not whole yet, and one whose place another has taken, must not be
 * served.
 *
 * @module
 */
import { STORE_COPIES } from "../../store/families.ts";
import { StoreOpenError } from "../../store/open_error.ts";
import type { Key, Rows } from "../../store/port.ts";

/** What a store says. One that says nothing is whole and in its place. */
export type CopyMark =
  /** It is being filled. */
  | {
    readonly is: "arriving";
    /** The digest of the store that it is filled from. */
    readonly source: string;
    /** How far that is. */
    readonly reached: CopyPlace;
  }
  /** Another store has its rows now, and is served in its place. */
  | { readonly is: "moved" };

/** How far a copy is. */
export interface CopyPlace {
  /** Rows that are there. */
  readonly rows: number;
  /** The last key of the rows that are copied in their order; undefined before the first. */
  readonly key?: Key | undefined;
  /** Slices of commits that are there, where commits are copied as a whole. */
  readonly slices?: number | undefined;
}

/** What a store says; null where it says nothing. */
export async function readCopyMark(rows: Rows): Promise<CopyMark | null> {
  return (await rows.get<CopyMark>(STORE_COPIES.key())).value;
}

/**
 * Refuses a store that must not be served.
 * @throws {StoreOpenError} With what to do.
 */
export function requireOwnPlace(mark: CopyMark | null): void {
  switch (mark?.is) {
    case "arriving":
      throw new StoreOpenError(
        "The store is not whole: a copy of another one into it was interrupted. Run the same deno task store copy again.",
      );
    case "moved":
      throw new StoreOpenError(
        "The store was moved: the one that it was copied to is served in its place. Set DIT_KV to that one.",
      );
  }
}
