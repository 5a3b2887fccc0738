/**
 * Where an event that left may still go (docs/protocol.md, section 6): under the pseudonym that it left under, and
 * there with one token more. Everything here runs inside a storage transaction.
 *
 * @module
 */
import type { DropReason } from "../base/codes.ts";
import { append, type EventRecord, EVENTS, type TokenRecord } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { QueuedRequest } from "./request.ts";

/** Most tokens that sign an event: whoever refuses them all would else see which belong to one client. */
const MAX_TOKENS = 2;
/** Most refusals of an event, its only token's too, or it would be signed without end: more than fit a bad hour. */
const MAX_REFUSALS = 3;

/** Why an event does not leave under a pseudonym with a token, if one is at hand; undefined where it does. */
export function heldBack(
  { left }: Pick<EventRecord, "left">,
  pseudonym: string,
  token: TokenRecord | undefined,
): DropReason | "held" | undefined {
  if (left === undefined) return undefined;
  if (left.pseudonym !== pseudonym) return "period_over";
  const isOver = (left.refusals ?? 0) >= MAX_REFUSALS ||
    left.tokens.length >= MAX_TOKENS && !left.tokens.includes(token?.nonce ?? "");
  if (isOver) return left.code;
  // What a token was refused for goes on with a third one: it must not link that to the first.
  const isChain = pseudonym === "" && token?.restUntil !== undefined && left.tokens.length > 0 &&
    !left.tokens.includes(token.nonce);
  return isChain ? "held" : undefined;
}

/** The tokens with which an event left, as one text. */
function tokensOf({ left }: Pick<EventRecord, "left">): string {
  return String(left?.tokens ?? "");
}

/**
 * Whether two events may be in one body. Where no pseudonym tells whose tokens belong together, one that has left is
 * together with what left with the same tokens only.
 */
export function goTogether(pseudonym: string, first: EventRecord, second: EventRecord): boolean {
  return pseudonym !== "" || tokensOf(first) === tokensOf(second);
}

/** Whether one of the events left with another token. */
export function isMoved(events: readonly EventRecord[], { nonce }: TokenRecord): boolean {
  return events.some(({ left }) => left?.tokens.some((other) => other !== nonce));
}

/**
 * Takes a request apart: its events wait again, and know where they left. Only for one that was surely not taken.
 * `code`: why it was not, which is told of those that cannot go elsewhere; `refusals`: whether its token was refused.
 */
export function requeue(
  entries: Entries,
  { key, record }: QueuedRequest,
  code: DropReason,
  refusals = 0,
): void {
  const { pseudonym, nonce } = record;
  entries.delete(key);
  for (const event of record.events) {
    const tokens = [...new Set([...event.left?.tokens ?? [], nonce])];
    const refused = (event.left?.refusals ?? 0) + refusals;
    append<EventRecord>(entries, EVENTS, { ...event, left: { pseudonym, tokens, code, refusals: refused } });
  }
}
