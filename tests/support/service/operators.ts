/**
 * Entries of the lists of operators, as a test writes them.
 *
 * @module
 */
import { type OperatorEntry, type OperatorRole, parseEntry } from "../../../edge/auth/operator_entries.ts";

/** The entries of a list, such as `email:alice@example.com for notes`. */
export function operatorEntries(role: OperatorRole, ...texts: string[]): OperatorEntry[] {
  return texts.map((text) => {
    const entry = parseEntry(text, role);
    if (entry === undefined) throw new TypeError(`${text} is no entry.`);
    return entry;
  });
}
