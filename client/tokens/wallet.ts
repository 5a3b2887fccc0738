/**
 * The tokens of a client and what is left of them. Everything here runs inside a storage transaction.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { MOST_WAIT } from "../base/headers.ts";
import {
  DIRECTORY,
  type KeyLife,
  read,
  readAll,
  type TokenRecord,
  TOKENS,
  write,
} from "../storage/records.ts";
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

/**
 * Lays the tokens aside that are meant, which the service refused: whoever says so may be wrong, and the quota may have no
 * other. For as long as their key is listed they are tried again, after a rest, and after all others.
 */
export function restTokens(
  entries: Entries,
  { now }: Pick<Clock, "now">,
  isMeant: (token: TokenRecord) => boolean,
): void {
  for (const { record } of readAll<TokenRecord>(entries, TOKENS)) {
    if (isMeant(record)) keepToken(entries, { ...record, restUntil: now() + MOST_WAIT });
  }
}

/** Puts a token that was refused, and is taken now, among the others again. */
export function trustToken(entries: Entries, nonce: string): void {
  const token = read<TokenRecord>(entries, TOKENS + nonce);
  if (token?.restUntil !== undefined) keepToken(entries, { ...token, restUntil: undefined });
}

/** Deletes the tokens that are meant: of a pseudonym that ended, or worn out. */
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
 * led back from it, as one does that was refused.
 */
export function spendableTokens(
  entries: Entries,
  pseudonym: string,
  clock: Pick<Clock, "now" | "seconds">,
): TokenRecord[] {
  const nowSeconds = clock.seconds();
  dropTokens(
    entries,
    (token) =>
      nowSeconds >= lastFirstSend(token) || token.uses.length === 0 ||
      (token.notBefore <= nowSeconds && !serves(token, pseudonym)),
  );
  const wasRefused = ({ restUntil }: TokenRecord) => Number(restUntil !== undefined);
  // One that was never refused, of those the one that ends first, then a token in use before a fresh one.
  return readAll<TokenRecord>(entries, TOKENS).map(({ record }) => record)
    .filter((token) => token.notBefore <= nowSeconds && !isResting(entries, token, clock.now()))
    .sort((a, b) =>
      wasRefused(a) - wasRefused(b) || a.redeemUntil - b.redeemUntil || a.uses.length - b.uses.length
    );
}

/**
 * Whether a token that was refused rests: until its time has come, or the device's clock was set back meanwhile, and while
 * its key is not listed, which may be revoked.
 */
function isResting(entries: Entries, { keyId, restUntil }: TokenRecord, now: number): boolean {
  return restUntil !== undefined && (now < restUntil && now >= restUntil - MOST_WAIT ||
    !entries.get(DIRECTORY)?.includes(keyId));
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
