/**
 * The audit log as lines that anybody can check: each is an entry as it is stored, and holds the SHA-256 of the line
 * before it.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";

/** A chain that was checked. */
export type Chain =
  /** It is whole: its entries by their numbers, and the digest of the last one, in hex. */
  | { readonly intact: true; readonly entries: ReadonlyMap<number, ChainEntry>; readonly digest: string }
  /** The first line, from 1, that does not fit the one before it. */
  | { readonly intact: false; readonly at: number };

/** What a line says. */
export interface ChainEntry {
  /** Its place, from 1. */
  readonly number: number;
  /** What was done; absent in what came of it. */
  readonly action?: unknown;
  /** What was sent with it, as text. */
  readonly details?: unknown;
}

/** Checks a whole audit log, a line each without its line feed. */
export function checkChain(lines: readonly Uint8Array[]): Chain {
  const entries = new Map<number, ChainEntry>();
  let digest = "00".repeat(32);
  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    const entry = parse(line);
    if (entry?.number !== number || entry.previous !== digest) return { intact: false, at: number };
    entries.set(number, { number, action: entry.action, details: entry.details });
    digest = sha256(line).toHex();
  }
  return { intact: true, entries, digest };
}

function parse(line: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(line));
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}
