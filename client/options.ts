/**
 * Checks of what an app passes in.
 *
 * @module
 */

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

/** Whether all values are what a field can take: nothing that cannot be stored as it is. */
export function hasPlainValues(fields: unknown): fields is Record<string, unknown> {
  return typeof fields === "object" && fields !== null &&
    Object.values(fields).every((value) =>
      value === undefined || typeof value === "boolean" || Number.isFinite(value) ||
      (typeof value === "string" && value.length <= MAX_TEXT)
    );
}
