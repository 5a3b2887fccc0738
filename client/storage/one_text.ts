/**
 * What storages share that keep the whole state as one text.
 *
 * @module
 */
import { applyChanges } from "./memory.ts";
import { Entries } from "./storage.ts";

/** Runs a transaction on what is stored. `text` is what is stored next; undefined where nothing has changed. */
export function transactText<T>(
  stored: Map<string, string>,
  body: (entries: Entries) => T,
): { readonly result: T; readonly text: string | undefined } {
  const entries = new Entries(stored);
  const result = body(entries);
  if (entries.changes.size === 0) return { result, text: undefined };
  applyChanges(stored, entries.changes);
  return { result, text: JSON.stringify([...stored]) };
}

/** What a text holds: one that cannot be read as what it is counts as lost, like one that is not there. */
export function storedIn(text: string | null): Map<string, string> {
  try {
    return new Map(JSON.parse(text ?? "[]"));
  } catch {
    return new Map();
  }
}
