/**
 * What an engine throws when it cannot be opened.
 *
 * @module
 */

/** The store cannot be opened; the message says what to do and repeats no URL. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
}
