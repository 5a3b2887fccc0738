/**
 * The tokens of a client and what is left of them. Everything here runs inside a storage transaction.
 *
 * @module
 */
import { readRecord, readRecords, type TokenRecord, TOKENS, writeRecord } from "./records.ts";
import type { Entries } from "./storage.ts";

/** Most uses that a client takes of one token, whatever the directory says: uses of one token can be linked. */
export const MAX_USES = 64;
/** Seconds before the end of a key in which no first send starts, or a tenth of its life if that is shorter. */
const LAST_SECONDS = 600;
/** So many taken uses in a row, and the token is a copy of one that is spent elsewhere. */
const MAX_TAKEN = 3;

/** When the last first send with a key may start, in Unix seconds. */
export function lastFirstSend(key: { notBefore: number; redeemUntil: number }): number {
  return key.redeemUntil - Math.min(LAST_SECONDS, (key.redeemUntil - key.notBefore) / 10);
}

/** One use of a token. */
export interface TokenUse {
  readonly token: TokenRecord;
  readonly use: number;
}

/** Keeps a new token. */
export function keepToken(entries: Entries, token: TokenRecord): void {
  writeRecord(entries, TOKENS + token.nonce, token);
}

/**
 * The tokens that may be spent under a pseudonym now, the one to go on with first. Those that never can be again (used
 * up, at the end of their key, of another pseudonym) are deleted.
 */
export function spendableTokens(entries: Entries, pseudonym: string, nowSeconds: number): TokenRecord[] {
  const spendable: TokenRecord[] = [];
  for (const { key, record } of readRecords<TokenRecord>(entries, TOKENS)) {
    const ended = nowSeconds >= lastFirstSend(record) || record.uses.length === 0;
    const others = record.pseudonym !== undefined && record.pseudonym !== pseudonym;
    if (ended || others) entries.delete(key);
    else if (record.notBefore <= nowSeconds) spendable.push(record);
  }
  // A token in use before a fresh one, then the one that ends first.
  const isFresh = (token: TokenRecord) => token.pseudonym === undefined ? 1 : 0;
  return spendable.sort((a, b) => isFresh(a) - isFresh(b) || a.redeemUntil - b.redeemUntil);
}

/** Takes the next use of a token and marks the token as the pseudonym's; undefined when there is none. */
export function takeUse(entries: Entries, pseudonym: string, nowSeconds: number): TokenUse | undefined {
  const token = spendableTokens(entries, pseudonym, nowSeconds)[0];
  if (token === undefined) return undefined;
  const uses = token.uses.slice(0, -1);
  const use = token.uses.at(-1)!;
  writeRecord<TokenRecord>(entries, TOKENS + token.nonce, { ...token, uses, pseudonym });
  return { token, use };
}

/** How many uses are left. */
export function usesLeft(tokens: readonly TokenRecord[]): number {
  return tokens.reduce((sum, token) => sum + token.uses.length, 0);
}

/** Deletes one token. */
export function dropToken(entries: Entries, nonce: string): void {
  entries.delete(TOKENS + nonce);
}

/** Deletes the tokens of one key: it was revoked or ended. */
export function dropKey(entries: Entries, keyId: string): void {
  for (const { key, record } of readRecords<TokenRecord>(entries, TOKENS)) {
    if (record.keyId === keyId) entries.delete(key);
  }
}

/** Notes whether a use of a token was taken already, and deletes the token when that happens again and again. */
export function noteTaken(entries: Entries, nonce: string, wasTaken: boolean): void {
  const token = readRecord<TokenRecord>(entries, TOKENS + nonce);
  if (token === undefined) return;
  const taken = wasTaken ? token.taken + 1 : 0;
  if (taken >= MAX_TAKEN) dropToken(entries, nonce);
  else if (taken !== token.taken) writeRecord<TokenRecord>(entries, TOKENS + nonce, { ...token, taken });
}
