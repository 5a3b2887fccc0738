/**
 * One text for a JSON value, whoever writes it: members in order of their names, nothing between, numbers as ECMAScript
 * prints them (RFC 8785, the JSON Canonicalization Scheme).
 *
 * @module
 */

/** The canonical text of a value that has no member which is undefined. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  // By UTF-16 code units, as `sort()` compares (section 3.2.3).
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join()}}`;
}
