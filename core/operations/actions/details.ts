/**
 * What the audit log keeps of an action of which only the reason is sent.
 *
 * @module
 */

/** The reason as it was sent; nothing where none was. */
export function detailsOf(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : JSON.stringify({ reason });
}
