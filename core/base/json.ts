/**
 * JSON whose strings have a UTF-8 form. An escape may name one half of a surrogate pair alone; an encoder writes U+FFFD
 * for each, so that different strings would be hashed and stored as the same one.
 *
 * @module
 */
import { isWellFormed } from "./bytes.ts";

/** How half a surrogate pair is written in JSON that is UTF-8 itself. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/**
 * Parses JSON whose strings and names hold no lone surrogate, as I-JSON has them (RFC 7493, section 2.1).
 * @throws {SyntaxError} If the text is no JSON, or one of them does.
 */
export function parseWellFormedJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (SURROGATE_ESCAPE.test(text) && !isWellFormedValue(value)) {
    throw new SyntaxError("A string holds a lone surrogate");
  }
  return value;
}

/** Looks at every string and name, without a call for each depth: anybody nests as deep as they like. */
function isWellFormedValue(value: unknown): boolean {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === "string" && !isWellFormed(next)) return false;
    if (typeof next !== "object" || next === null) continue;
    for (const [name, member] of Object.entries(next)) left.push(name, member);
  }
  return true;
}
