/**
 * JSON off the wire.
 *
 * @module
 */

/** Parses UTF-8 with JSON in it; gives undefined when it is not both. */
export function parseJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}
