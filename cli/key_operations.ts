/**
 * Where the operator's commands on keys go: to the running service, or to the store itself where that is safe: on a KV
 * Connect endpoint, which many processes may use, and on a file whose lock shows that the service is stopped.
 *
 * @module
 */
import { checkConfig } from "../core/config/check.ts";
import { KeyOperations } from "../core/keys/operations.ts";
import { proveSealingKeys } from "../core/keys/resealing.ts";
import { Sealer } from "../core/keys/sealing.ts";
import { isFile, openStore } from "../core/store/open.ts";
import { Trail } from "../core/trail/trail.ts";
import { loadSuites } from "../core/voprf/select.ts";
import { developmentSecret } from "../edge/development_secrets.ts";
import { readSettings } from "../edge/environment.ts";
import { explain } from "../edge/explain.ts";
import { lockStoreFile, StoreInUseError } from "../edge/file_lock.ts";
import { Refusal } from "../core/errors.ts";
import { callAdmin, CommandError } from "./admin_api.ts";
import { loadConfig } from "./load_config.ts";

/** The operations, wherever they are done. */
export type KeyCommands = Pick<KeyOperations, "list" | "rotate" | "revoke" | "reseal">;

/** Does `work` with the operations. Throws {@linkcode CommandError} with one sentence for every mistake. */
export async function withKeyCommands(work: (commands: KeyCommands) => Promise<void>): Promise<void> {
  if (Deno.env.has("DIT_ADMIN_URL")) return await work(REMOTE);
  const development = Deno.env.get("DIT_ENV") !== "production" && await exists(".dit/seal_key");
  const location = Deno.env.get("DIT_KV") ?? (development ? ".dit/kv.sqlite3" : undefined);
  if (location === undefined || location === ":memory:") return await work(REMOTE);
  if (!isFile(location)) return await onStore(location, development, work);
  if (!await exists(location)) return await work(REMOTE);
  try {
    using _lock = await lockStoreFile(location);
    await onStore(location, development, work);
  } catch (error) {
    if (!(error instanceof StoreInUseError)) throw error;
    await work(REMOTE);
  }
}

const POST: RequestInit = { method: "POST" };

/** Through the admin API of the running service. */
const REMOTE: KeyCommands = {
  list: () => read("/admin/v1/keys"),
  reseal: () => read("/admin/v1/keys/reseal", POST),
  rotate: (app) => read(`/admin/v1/apps/${encodeURIComponent(app)}/keys/rotate`, POST),
  revoke: (app, epoch, throughGeneration) =>
    read(`/admin/v1/apps/${encodeURIComponent(app)}/keys/revoke`, {
      ...POST,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ epoch, "through-generation": throughGeneration }),
    }),
};

async function read<T>(path: string, init?: RequestInit): Promise<T> {
  return await (await callAdmin(path, init)).json();
}

async function onStore(
  location: string,
  development: boolean,
  work: (commands: KeyCommands) => Promise<void>,
): Promise<void> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  try {
    const settings = readSettings((name) =>
      name === "DIT_ENV" ? (development ? "development" : "production") : Deno.env.get(name)
    );
    const deployment = checkConfig(await loadConfig(settings.config), { development });
    const sealer = await Sealer.of(settings.sealKeys ?? [await developmentSecret("seal_key", 32)], random);
    const names = [...deployment.applications.values()].map(({ suite }) => suite);
    const suites = await loadSuites(() => {}, names);
    const store = await openStore(location);
    try {
      await proveSealingKeys(store, sealer);
      const context = { store, region: settings.region, sealer, suites, random };
      const now = () => Math.floor(Date.now() / 1000);
      await work(recorded(new KeyOperations(context, deployment, now), new Trail(store, { random, now })));
    } finally {
      store.close();
    }
  } catch (error) {
    if (error instanceof Refusal) throw new CommandError(error.message);
    throw new CommandError(explain(error)?.join("\n") ?? rethrow(error));
  }
}

/** The same operations, in the trail that the service would have written them to. */
function recorded(operations: KeyOperations, trail: Trail): KeyCommands {
  const action = (path: string, details?: string) => ({
    operator: "whoever holds the store",
    via: "command" as const,
    action: `POST /admin/v1/${path}`,
    ...(details === undefined ? {} : { details }),
  });
  return {
    list: () => operations.list(),
    reseal: () => trail.record(action("keys/reseal"), () => operations.reseal()),
    rotate: (app) => trail.record(action(`apps/${app}/keys/rotate`), () => operations.rotate(app)),
    revoke: (app, epoch, throughGeneration) =>
      trail.record(
        action(`apps/${app}/keys/revoke`, JSON.stringify({ epoch, "through-generation": throughGeneration })),
        () => operations.revoke(app, epoch, throughGeneration),
      ),
  };
}

function rethrow(error: unknown): never {
  throw error;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
