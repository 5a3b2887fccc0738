/**
 * How long an event is collected.
 *
 * @module
 */
import type { EventSchema } from "../../../core/schema/event.ts";

/** Days before its end in which an event's expiry stands out. */
const EXPIRES_SOON_DAYS = 30;

/** Unix seconds at which an event's collection ends, and whether that is over or near. */
export function expiryOf({ expires }: EventSchema, now: number): {
  readonly endsAt: number;
  readonly isOver: boolean;
  readonly isSoon: boolean;
} {
  const endsAt = Date.parse(`${expires}T00:00:00Z`) / 1000 + 86_400;
  const isOver = now >= endsAt;
  return { endsAt, isOver, isSoon: !isOver && endsAt - now < EXPIRES_SOON_DAYS * 86_400 };
}
