/**
 * A shared secret as an environment variable has it: text, or bytes in base64.
 *
 * @module
 */
import { utf8 } from "./bytes.ts";

const PREFIX = "base64:";

/**
 * The bytes of a secret: those of its text in UTF-8, or, behind `base64:`, those that the base64 of RFC 4648, section 4,
 * says, padding and all. `undefined` when that is no base64: read as text it would be another secret, without a word.
 */
export function secretBytes(value: string): Uint8Array<ArrayBuffer> | undefined {
  if (!value.startsWith(PREFIX)) return utf8(value);
  const base64 = value.slice(PREFIX.length);
  // The decoder passes over spaces and line breaks.
  if (/\s/.test(base64)) return undefined;
  try {
    return Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}
