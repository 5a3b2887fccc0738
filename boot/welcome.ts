/**
 * What development says at its start.
 *
 * @module
 */

/** What to try next. The console's link carries the admin token behind the `#`, which no browser ever sends. */
export function welcomeText(port: number, adminToken: string | undefined): string {
  const url = `http://localhost:${port}`;
  const token = adminToken === undefined ? "" : `#token=${encodeURIComponent(adminToken)}`;
  // Commands look for the service at PORT.
  const there = port === 8000 ? "" : `PORT=${port} `;
  return `
DIT runs at ${url} (development: anybody may sign in, secrets and the store are in .dit/).
The console: ${url}/console/sign-in${token}
A page that uses the client: ${url}/examples/browser
Try next, in another terminal:
  ${there}deno task demo                          200 clients report real measurements
  ${there}deno task keys list                     the keys and their states (the admin token is in .dit/admin_token)
  curl ${url}/v1/apps/demo/keys    the public keys
  curl ${url}/v1/apps/demo/schema  what is collected
  curl -d '{"client":"alice"}' ${url}/dev/session
Ctrl-C stops it.
`;
}
