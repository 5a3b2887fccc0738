/**
 * Engines of Deno KV for the length of one test.
 *
 * @module
 */
import type { ClaimingEngine } from "../../../core/store/claims.ts";
import { openEngine } from "../../../core/store/deno_kv/open.ts";
import type { KvEndpoint } from "./kv_endpoint.ts";
import { withEndpoint } from "./with_kv_endpoint.ts";

/** Runs `run` with an `open`, and closes at the end what is still open. */
async function closing(
  open: () => Promise<ClaimingEngine>,
  run: (open: () => Promise<ClaimingEngine>) => Promise<void>,
): Promise<void> {
  const engines: ClaimingEngine[] = [];
  try {
    await run(async () => {
      const engine = await open();
      engines.push(engine);
      return engine;
    });
  } finally {
    for (const engine of engines) {
      try {
        engine.close();
      } catch {
        // The test has closed it already.
      }
    }
  }
}

/** The same engine once more: a database that is not shared has one client, which all of the process use. */
function again(engine: ClaimingEngine): ClaimingEngine {
  return {
    limits: engine.limits,
    capabilities: engine.capabilities,
    get: (key) => engine.get(key),
    getMany: (keys) => engine.getMany(keys),
    list: (range, options) => engine.list(range, options),
    commit: (checks, writes) => engine.commit(checks, writes),
    close: () => {},
    claims: (calls) => engine.claims(calls),
  };
}

/** Runs a test on a database of its own that only this process has. */
export async function withOwn(
  location: string,
  run: (open: () => Promise<ClaimingEngine>) => Promise<void>,
): Promise<void> {
  let inner: ClaimingEngine | undefined;
  await closing(async () => {
    if (inner !== undefined) return again(inner);
    inner = await openEngine(location);
    return inner;
  }, run);
}

/** Runs a test with the path of a database file that is not there yet. */
export async function withFile(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/kv.sqlite3`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An endpoint, and engines on it that are ready for use. */
export async function withEngines(
  run: (endpoint: KvEndpoint, open: () => Promise<ClaimingEngine>) => Promise<void>,
): Promise<void> {
  await withEndpoint((endpoint) =>
    closing(async () => {
      const engine = await openEngine(endpoint.url);
      await engine.get(["warm up"]);
      return engine;
    }, (open) => run(endpoint, open))
  );
}
