/**
 * What development says at its start.
 *
 * @module
 */

/** What it tells of. */
export interface WelcomeOptions {
  /** The port that faces clients. */
  readonly port: number;
  /** The port of operators, where they have one of their own. */
  readonly adminPort?: number | undefined;
  /** The admin token that development has made. */
  readonly adminToken: string | undefined;
}

/** What to try next. The console's link carries the admin token behind the `#`, which no browser ever sends. */
export function welcomeText({ port, adminPort = port, adminToken }: WelcomeOptions): string {
  const url = `http://localhost:${port}`;
  const token = adminToken === undefined ? "" : `#token=${encodeURIComponent(adminToken)}`;
  // Commands look for the service at the ports that it was told.
  const there = port === 8000 ? "" : `PORT=${port} `;
  const whose = adminToken === undefined ? "yours: its SHA-256 is set" : "in .dit/admin_token";
  const operators = adminPort === port ? there : `DIT_ADMIN_PORT=${adminPort} `;
  return `
DIT runs at ${url} (development: anybody may sign in, secrets and the store are in .dit/).
The console: http://localhost:${adminPort}/console/sign-in${token}
A page that uses the client: ${url}/examples/browser
Try next, in another terminal:
  ${there}deno task demo                          200 clients report real measurements
  ${operators}deno task keys list                     the keys and their states (the admin token is ${whose})
  curl ${url}/v1/apps/demo/keys    the public keys
  curl ${url}/v1/apps/demo/schema  what is collected
  curl -d '{"client":"alice"}' ${url}/dev/session
Ctrl-C stops it.
`;
}
