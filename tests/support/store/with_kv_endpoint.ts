/**
 * A KV endpoint and its clients for the length of one test.
 *
 * @module
 */

import { assert } from "@std/assert";
import { type KvEndpoint, type KvEndpointOptions, startKvEndpoint } from "./kv_endpoint.ts";

/** The access token of every endpoint in tests. */
export const TOKEN = "token-of-a-kv-endpoint-in-tests";

/**
 * Runs a test against an endpoint on a file of its own. `open` gives another client each time, ready for use and counted
 * from zero; all of them, the endpoint and the file end with the test. Sets `DENO_KV_ACCESS_TOKEN`.
 */
export async function withEndpoint(
  run: (endpoint: KvEndpoint, open: () => Promise<Deno.Kv>) => Promise<void>,
  options: Partial<KvEndpointOptions> = {},
): Promise<void> {
  Deno.env.set("DENO_KV_ACCESS_TOKEN", TOKEN);
  const directory = await Deno.makeTempDir();
  const clients: Deno.Kv[] = [];
  const endpoint = await startKvEndpoint({ path: `${directory}/kv.sqlite3`, token: TOKEN, ...options });
  try {
    await run(endpoint, async () => {
      const kv = await Deno.openKv(endpoint.url);
      clients.push(kv);
      await kv.get(["warm up"]); // openKv() returns before the client has the metadata that every request needs
      endpoint.counts.requests = 0;
      return kv;
    });
  } finally {
    for (const kv of clients) {
      try {
        kv.close();
      } catch {
        // The test has closed it already.
      }
    }
    await endpoint.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Waits, at most two minutes, until something has come true; throws an `AssertionError` if it does not. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const giveUpAt = performance.now() + 120_000; !await condition();) {
    assert(performance.now() < giveUpAt, `never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Claims a use by a check that it is absent, as redemption does. */
export function claim(
  kv: Deno.Kv,
  use: number,
  tag: string,
): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
  const key = ["claim", use];
  return kv.atomic().check({ key, versionstamp: null }).set(key, tag).commit();
}
