/**
 * Opens the store and puts the server of a role on it.
 *
 * @module
 */
import type { Deployment } from "../core/config/types.ts";
import { proveSealingKeys } from "../core/keys/resealing.ts";
import { Sealer } from "../core/keys/sealing.ts";
import { createLogServer, createService, type Server, type ServerOptions } from "../core/service.ts";
import { isFile, openStore } from "../core/store/open.ts";
import { loadSuites } from "../core/voprf/select.ts";
import { AcsClient } from "./acs_client.ts";
import { developmentSecret } from "./development_secrets.ts";
import type { Settings } from "./environment.ts";
import { lockStoreFile } from "./file_lock.ts";
import { reportStoreFaults } from "./store_faults.ts";

/** A server on its open store. */
export interface OpenServer {
  /** The server. */
  readonly server: Server;
  /** Finishes what is under way and closes the store. */
  readonly close: () => Promise<void>;
}

/** Writes a line about something that happened. */
export type Log = (event: string, members?: Record<string, unknown>) => void;

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/**
 * Opens the server that the settings describe. With the wrong sealing keys nothing is written.
 * @throws {SealError} Then. {@linkcode StoreInUseError} if another process has the store's file.
 */
export async function openServer(settings: Settings, deployment: Deployment, log: Log): Promise<OpenServer> {
  const lock = isFile(settings.kv) ? await lockStoreFile(settings.kv) : undefined;
  const onFault = reportStoreFaults((line) => log("store_fault", { ...line }));
  const store = await openStore(settings.kv, { onFault });
  const options: ServerOptions = {
    deployment,
    store,
    region: settings.region,
    random,
    now: () => Math.floor(Date.now() / 1000),
    committer: { maxInFlight: lock === undefined ? 4 : 1 },
  };
  const server = settings.acs === undefined ? await openService(settings, options, log) : createLogServer({
    ...options,
    acs: new AcsClient({ ...settings.acs, deployment, region: settings.region, fetch }),
  });
  return {
    server,
    async close() {
      await server.committer.drain();
      await server.counterRows.flush().catch(() => {});
      store.close();
      lock?.close();
    },
  };
}

async function openService(settings: Settings, options: ServerOptions, log: Log): Promise<Server> {
  const sealer = await Sealer.of(settings.sealKeys ?? [await developmentSecret("seal_key", 32)], random);
  await proveSealingKeys(options.store, sealer);
  const suites = [...options.deployment.applications.values()].map(({ suite }) => suite);
  return createService({
    ...options,
    sealer,
    suites: await loadSuites((message) => log("warning", { message }), suites),
    onKeyEvent: ({ event, ...key }) => log(event, key),
  });
}
