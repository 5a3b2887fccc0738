/**
 * The lines of the service: JSON objects with an `event`, on its output.
 *
 * @module
 */

/** Every event that a line may have. docs/operating.md, "Lines of the service", says of each what it means. */
export const LINE_EVENTS = [
  "answer",
  "fault",
  "internal_error",
  "key_destroyed",
  "key_made",
  "key_revoked",
  "listener_failed",
  "listener_recovered",
  "listening",
  "maintenance",
  "maintenance_failed",
  "process_ended",
  "process_started",
  "releases",
  "releases_failed",
  "risk_alert",
  "risk_error",
  "store_client",
  "store_fault",
  "time_confirmed",
  "time_held",
  "trail",
  "warning",
] as const;

/** One of {@linkcode LINE_EVENTS}. */
export type LineEvent = typeof LINE_EVENTS[number];

/** Writes a line about something that happened: its event, and what is known of it. */
export type Log = (event: LineEvent, members?: Record<string, unknown>) => void;

/** The text of a line, without its end. */
export function formatLine(event: LineEvent, members: Record<string, unknown> = {}): string {
  return JSON.stringify({ event, ...members });
}
