/**
 * The tokens of a client and what is left of them. Everything here runs inside a storage transaction.
 *
 * @module
 */
import { type KeyLife, readAll, type TokenRecord, TOKENS, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";

/** Most uses that a client takes of one token, whatever the directory says: uses of one token can be linked. */
export const MAX_USES = 64;
/** Seconds before the end of a key in which no first send starts, or a tenth of its life if that is shorter. */
const LAST_SECONDS = 600;

/** One use of a token. */
export interface TokenUse {
  readonly token: TokenRecord;
  readonly use: number;
}

/** When the last first send with a key may start, in Unix seconds. */
export function lastFirstSend({ notBefore, redeemUntil }: KeyLife): number {
  return redeemUntil - Math.min(LAST_SECONDS, (redeemUntil - notBefore) / 10);
}

/** Keeps a token. */
export function keepToken(entries: Entries, token: TokenRecord): void {
  write(entries, TOKENS + token.nonce, token);
}

/** Deletes the tokens that are meant: of a key that was revoked, of a pseudonym that ended, one that is worn out. */
export function dropTokens(entries: Entries, isMeant: (token: TokenRecord) => boolean): void {
  for (const { key, record } of readAll<TokenRecord>(entries, TOKENS)) {
    if (isMeant(record)) entries.delete(key);
  }
}

/**
 * Whether a token serves a pseudonym, which is empty where none is collected. What clients of before fetched serves no
 * pseudonym: nothing binds it.
 */
function serves({ pseudonym: served = "", binding }: TokenRecord, pseudonym: string): boolean {
  return served === pseudonym && (binding !== undefined) === (pseudonym !== "");
}

/**
 * The tokens that may be spent under a pseudonym now, the one to go on with first. Those that never can be again (used
 * up, at the end of their key, of another pseudonym) are deleted; one that has not begun waits, since a clock may have been
 * led back from it.
 */
export function spendableTokens(entries: Entries, pseudonym: string, nowSeconds: number): TokenRecord[] {
  dropTokens(
    entries,
    (token) =>
      nowSeconds >= lastFirstSend(token) || token.uses.length === 0 ||
      (token.notBefore <= nowSeconds && !serves(token, pseudonym)),
  );
  // The one that ends first, then a token in use before a fresh one.
  return readAll<TokenRecord>(entries, TOKENS).map(({ record }) => record)
    .filter(({ notBefore }) => notBefore <= nowSeconds)
    .sort((a, b) => a.redeemUntil - b.redeemUntil || a.uses.length - b.uses.length);
}

/** Takes the next use of a token; undefined when there is none. `isLast`: nothing else is ever signed with the token. */
export function takeUse(
  entries: Entries,
  token: TokenRecord | undefined,
  isLast = false,
): TokenUse | undefined {
  const use = token?.uses.at(-1);
  if (token === undefined || use === undefined) return undefined;
  keepToken(entries, { ...token, uses: isLast ? [] : token.uses.slice(0, -1) });
  return { token, use };
}

/** How many logs tokens can sign. */
export function usesLeft(tokens: readonly TokenRecord[]): number {
  return tokens.reduce((sum, { uses }) => sum + uses.length, 0);
}
