/**
 * The calendar of keys: which epoch a moment lies in, and when a key issues and redeems (docs/protocol.md, section 7).
 * Everything is in whole Unix seconds, so time zones, leap days and daylight saving have no part in it.
 *
 * @module
 */

/** The settings of a calendar. */
export interface Calendar {
  /** Seconds that a key issues. */
  readonly epochSeconds: number;
  /** Epochs that a key redeems beyond its own, 0..8. */
  readonly overlapEpochs: number;
  /** Epochs whose keys are published ahead, 1..8. */
  readonly horizonEpochs: number;
}

/** The life of an epoch's keys in Unix seconds; each end is the first second that no longer counts. */
export interface Lifetime {
  /** The first second of issuance and redemption. */
  readonly notBefore: number;
  /** The end of issuance. */
  readonly issueUntil: number;
  /** The end of redemption. */
  readonly redeemUntil: number;
}

/** The number of the epoch that `nowSeconds` lies in: epochs are counted from 1970-01-01 00:00 UTC. */
export function epochAt(calendar: Calendar, nowSeconds: number): number {
  return Math.floor(nowSeconds / calendar.epochSeconds);
}

/** When the keys of an epoch issue and redeem. */
export function lifetimeOf(calendar: Calendar, epoch: number): Lifetime {
  const notBefore = epoch * calendar.epochSeconds;
  const issueUntil = notBefore + calendar.epochSeconds;
  return { notBefore, issueUntil, redeemUntil: issueUntil + calendar.overlapEpochs * calendar.epochSeconds };
}

/** Where a key stands in its life. */
export type KeyState = "scheduled" | "issuing" | "redeeming" | "over";

/** The state that a lifetime gives a key at `nowSeconds`. */
export function stateAt(lifetime: Lifetime, nowSeconds: number): KeyState {
  if (nowSeconds < lifetime.notBefore) return "scheduled";
  if (nowSeconds < lifetime.issueUntil) return "issuing";
  return nowSeconds < lifetime.redeemUntil ? "redeeming" : "over";
}
