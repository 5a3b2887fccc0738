/**
 * Where the operator's commands on keys go: to the running service, or to the store itself where that is safe: on a KV
 * Connect endpoint, which many processes may use, and on a file whose lock shows that the service is stopped.
 *
 * @module
 */
import type { KeyName } from "../core/keys/key_row.ts";
import { type ListedKey, listKeys } from "../core/keys/listed_keys.ts";
import type { Revocation, WantedKey } from "../core/keys/replacement.ts";
import type { Resealing } from "../core/keys/resealing.ts";
import { confirmTime } from "../core/operations/actions/confirm_time.ts";
import { replace, reseal, revoke, rotate } from "../core/operations/actions/keys.ts";
import { processEnvironment } from "../boot/credentials.ts";
import { lockStoreFile, StoreInUseError, type StoreLock } from "../boot/file_lock.ts";
import { isStoreFile } from "../boot/open_store.ts";
import { lookAtStore } from "../boot/store_look.ts";
import { callAdmin } from "./admin_api.ts";
import { dropPermissions } from "./drop_permissions.ts";
import { exists, findStore, HOLDER, type StoppedStore, withStore } from "./stopped_store.ts";

/** The operators' commands on keys, wherever they are done. */
export interface KeyCommands {
  /** All keys. */
  list(): Promise<{ keys: ListedKey[] }>;
  /** Starts a generation of an application's current epoch, the next one, or one that was made before. */
  rotate(app: string, key: WantedKey | undefined): Promise<{ made: KeyName }>;
  /** Revokes an epoch's keys up to a generation. */
  revoke(app: string, epoch: number, throughGeneration: number): Promise<Revocation>;
  /** Makes keys for the epochs of an application that lost theirs. */
  replace(app: string, leastGeneration: number | undefined): Promise<{ replaced: readonly KeyName[] }>;
  /** Confirms what time it is. */
  confirmTime(seconds: number): Promise<{ confirmed: number }>;
  /** Seals every secret under the newest sealing key. */
  reseal(): Promise<Resealing>;
}

/**
 * Does `work` with the operations. The process starts with the right to every file and host, since no task knows where the
 * store is; once that is known it keeps either the network or the right to write, before it loads the configuration.
 * @throws {CommandError} With one sentence for every mistake.
 */
export async function withKeyCommands(work: (commands: KeyCommands) => Promise<void>): Promise<void> {
  const { location, development } = await findStore();
  const onTheStore = (at: string) => withStore(at, development, (opened) => work(commandsOn(opened)));
  const isElsewhere = processEnvironment("DIT_ADMIN_URL") !== undefined || location === undefined ||
    location === ":memory:";
  if (!isElsewhere && !isStoreFile(location)) {
    // In development its secrets' folder is made private.
    dropPermissions("net", "read", "env", ...development ? ["write"] as const : []);
    return await onTheStore(location);
  }
  using lock = isElsewhere ? undefined : await lockStopped(location);
  if (isElsewhere || lock === undefined) {
    dropPermissions("net", "read", "env");
    return await work(REMOTE);
  }
  dropPermissions("read", "write", "env");
  await onTheStore(location);
}

/** The lock of a store's file; undefined where the service has it, where there is none, or where only the service may look. */
async function lockStopped(location: string): Promise<StoreLock | undefined> {
  try {
    if (!await exists(location)) return undefined;
    // Before the lock, which is left beside it: a file that is no store is nobody's to touch.
    await lookAtStore(location);
    return await lockStoreFile(location);
  } catch (error) {
    if (error instanceof StoreInUseError || error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

const POST: RequestInit = { method: "POST" };

/** Through the admin API of the running service. */
const REMOTE: KeyCommands = {
  list: () => read("/admin/v1/keys"),
  reseal: () => read("/admin/v1/keys/reseal", POST),
  confirmTime: (seconds) => read("/admin/v1/time/confirm", sending({ seconds })),
  replace: (app, leastGeneration) =>
    read(
      `/admin/v1/apps/${encodeURIComponent(app)}/keys/replace`,
      sending({ "least-generation": leastGeneration }),
    ),
  rotate: (app, key) => read(`/admin/v1/apps/${encodeURIComponent(app)}/keys/rotate`, sending({ key })),
  revoke: (app, epoch, throughGeneration) =>
    read(
      `/admin/v1/apps/${encodeURIComponent(app)}/keys/revoke`,
      sending({ epoch, "through-generation": throughGeneration }),
    ),
};

function sending(body: unknown): RequestInit {
  return { ...POST, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function read<T>(path: string, init?: RequestInit): Promise<T> {
  return await (await callAdmin(path, init)).json();
}

/** On a store that no service uses. */
function commandsOn(opened: StoppedStore): KeyCommands {
  return {
    list: async () => ({ keys: await listKeys(opened.rotation, opened.now()) }),
    reseal: () => reseal(opened, HOLDER),
    confirmTime: (seconds) => confirmTime(opened, HOLDER, { seconds }),
    replace: (app, leastGeneration) => replace(opened, HOLDER, { app, leastGeneration }),
    rotate: (app, key) => rotate(opened, HOLDER, { app, key }),
    revoke: (app, epoch, throughGeneration) => revoke(opened, HOLDER, { app, epoch, throughGeneration }),
  };
}
