/**
 * Where the operator's commands on keys go: to the running service, or to the store itself where that is safe: on a KV
 * Connect endpoint, which many processes may use, and on a file whose lock shows that the service is stopped.
 *
 * @module
 */
import { KeyOperations } from "../core/keys/operations.ts";
import { isFile } from "../core/store/deno_kv/open.ts";
import type { AuditLog } from "../core/operations/audit_log.ts";
import { lockStoreFile, StoreInUseError } from "../boot/file_lock.ts";
import { callAdmin } from "./admin_api.ts";
import { exists, findStore, HOLDER, withStore } from "./stopped_store.ts";

/** The operations, wherever they are done. */
export type KeyCommands = Pick<KeyOperations, "list" | "rotate" | "revoke" | "reseal">;

/** Does `work` with the operations. Throws `CommandError` with one sentence for every mistake. */
export async function withKeyCommands(work: (commands: KeyCommands) => Promise<void>): Promise<void> {
  if (Deno.env.has("DIT_ADMIN_URL")) return await work(REMOTE);
  const { location, development } = await findStore();
  if (location === undefined || location === ":memory:") return await work(REMOTE);
  const onTheStore = () =>
    withStore(
      location,
      development,
      ({ context, deployment, auditLog, now }) =>
        work(recorded(new KeyOperations(context, deployment, now), auditLog)),
    );
  if (!isFile(location)) return await onTheStore();
  if (!await exists(location)) return await work(REMOTE);
  try {
    using _lock = await lockStoreFile(location);
    await onTheStore();
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

/** The same operations, in the trail that the service would have written them to. */
function recorded(operations: KeyOperations, auditLog: AuditLog): KeyCommands {
  const action = (path: string, details?: string) => ({
    operator: HOLDER,
    via: "command" as const,
    action: `POST /admin/v1/${path}`,
    ...(details === undefined ? {} : { details }),
  });
  return {
    list: () => operations.list(),
    reseal: () => auditLog.record(action("keys/reseal"), () => operations.reseal()),
    rotate: (app) => auditLog.record(action(`apps/${app}/keys/rotate`), () => operations.rotate(app)),
    revoke: (app, epoch, throughGeneration) =>
      auditLog.record(
        action(`apps/${app}/keys/revoke`, JSON.stringify({ epoch, "through-generation": throughGeneration })),
        () => operations.revoke(app, epoch, throughGeneration),
      ),
  };
}
