/**
 * Checks of what an app passes in.
 *
 * @module
 */
import { MAX_EVENTS_BYTES } from "./queue/body.ts";

/** Most characters of a text value: no word of a schema is longer. */
const MAX_TEXT = 64;

/**
 * The endpoint without a slash at its end.
 * @throws {TypeError} If it is no https URL (http only on this machine), or carries more than a place.
 */
export function checkEndpoint(endpoint: string): string {
  const { protocol, hostname, origin, pathname, href } = new URL(endpoint);
  const isLocal = protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  if ((protocol !== "https:" && !isLocal) || href !== origin + pathname) {
    throw new TypeError("Cannot make client: no plain https endpoint");
  }
  return href.replace(/\/+$/, "");
}

/**
 * The id itself.
 * @throws {TypeError} If it is not the id of an application.
 */
export function checkApp(app: string): string {
  if (/^[a-z][a-z0-9-]{0,62}$/.test(app)) return app;
  throw new TypeError("Cannot make client: app is no id");
}

/**
 * A copy of an event's fields, or undefined unless all can be stored as they are: nothing but flags, numbers and short
 * texts, and no more of them than one body holds. Whatever the app gives, nothing is thrown.
 */
export function plainFields(name: unknown, fields: unknown): Record<string, unknown> | undefined {
  try {
    // Once, since reading may run the app's code.
    if (typeof fields !== "object" || fields === null) return undefined;
    const copy: Record<string, unknown> = { ...fields };
    const isPlain = Object.values(copy).every((value) =>
      value === undefined || typeof value === "boolean" || Number.isFinite(value) ||
      (typeof value === "string" && value.length <= MAX_TEXT)
    );
    if (isPlain && typeof name === "string" && JSON.stringify([name, copy]).length <= MAX_EVENTS_BYTES) {
      return copy;
    }
  } catch {
    // A getter of the app's own.
  }
  return undefined;
}
