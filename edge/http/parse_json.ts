/**
 * JSON off the wire.
 *
 * @module
 */
import { parseWellFormedJson } from "../../core/base/json.ts";

/** Parses UTF-8 with JSON in it; gives undefined when it is not both, or a string of it has no UTF-8 form. */
export function parseJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: parseWellFormedJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}
