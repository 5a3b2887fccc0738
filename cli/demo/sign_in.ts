/**
 * How the demo's clients sign in: as anybody, which a service of development alone allows.
 *
 * @module
 */
import { CommandError } from "../admin_api.ts";

/** Asks a service for a session of the demo's application under a name. */
export function askForSession(
  endpoint: string,
  client: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${endpoint}/dev/session`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ client, app: "demo" }),
  });
}

/**
 * Requires that the service at `endpoint` signs the demo's clients in.
 * @throws {CommandError} If it does not, with what to do.
 */
export async function requireSignIn(endpoint: string): Promise<void> {
  const response = await askForSession(endpoint, "demo");
  await response.body?.cancel();
  if (response.ok) return;
  throw new CommandError(
    `The service at ${endpoint} signs nobody in for the demo, as one in production: give --endpoint that of a service ` +
      "which deno task dev has started, or set PORT to a free port, on which the demo starts one of its own.",
  );
}
