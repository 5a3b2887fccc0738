/**
 * Opens the store and puts the server of a role on it.
 *
 * @module
 */
import type { Deployment } from "../core/config/types.ts";
import { Refusal } from "../core/base/errors.ts";
import { proveSealingKeys } from "../core/keys/resealing.ts";
import { Sealer } from "../core/keys/sealing.ts";
import { createLogServer, createService, type Server, type ServerOptions } from "../core/service.ts";
import { startMergeLoop } from "../core/privacy/risk/merge_loop.ts";
import { isFile, openStore } from "../core/store/deno_kv/open.ts";
import { loadSuites } from "../core/voprf/select.ts";
import { AcsClient } from "../edge/remote/acs_client.ts";
import { developmentSecret } from "./development_secrets.ts";
import type { Settings } from "./settings.ts";
import { lockStoreFile } from "./file_lock.ts";
import { reportStoreFaults } from "./store_faults.ts";
import { alertWebhook } from "../edge/remote/webhook.ts";

/** Between two merges of the risk sketches; in development people wait for what follows. */
const MERGE_MS = 30_000;
const MERGE_MS_IN_DEVELOPMENT = 2_000;

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
 * Opens the server that the settings describe; `environment` gives the webhook's secret. With the wrong sealing keys
 * nothing is written.
 * @throws {SealError} Then. {@linkcode StoreInUseError} if another process has the store's file.
 * {@linkcode WebhookSetupError} if the webhook's secret is missing.
 */
export async function openServer(
  settings: Settings,
  deployment: Deployment,
  log: Log,
  environment: (name: string) => string | undefined,
): Promise<OpenServer> {
  const now = () => Math.floor(Date.now() / 1000);
  const webhook = deployment.alerts?.webhook;
  const send = webhook && alertWebhook({ ...webhook, secret: environment, fetch, now });
  const lock = isFile(settings.kv) ? await lockStoreFile(settings.kv) : undefined;
  const onFault = reportStoreFaults((line) => log("store_fault", { ...line }));
  const store = await openStore(settings.kv, { onFault });
  const sealer = await Sealer.of(settings.sealKeys ?? [await developmentSecret("seal_key", 32)], random);
  await proveSealingKeys(store, sealer);
  const options: ServerOptions = {
    deployment,
    store,
    sealer,
    region: settings.region,
    random,
    now,
    committer: { maxInFlight: lock === undefined ? 4 : 1 },
    // Where the store's owner cannot change it: whoever cuts the trail short is found by these lines.
    onAuditEntry: ({ number, digest }) => log("trail", { number, digest }),
  };
  const server = settings.acs === undefined ? await openService(options, log) : createLogServer({
    ...options,
    acs: new AcsClient({ ...settings.acs, deployment, region: settings.region, fetch }),
  });
  await server.risk.open();
  const pulse = startMergeLoop(server.risk, store, {
    everyMs: settings.development ? MERGE_MS_IN_DEVELOPMENT : MERGE_MS,
    now,
    ...(send === undefined ? {} : { send }),
    onAlert: ({ delivery: _delivery, ...alert }) => log("risk_alert", alert),
    // The store's faults are reported where they happen.
    onError: (error) => error instanceof Refusal || log("risk_error", { name: (error as Error)?.name }),
  });
  return {
    server,
    async close() {
      await server.committer.drain();
      await pulse.stop();
      await server.counterRows.flush().catch(() => {});
      store.close();
      lock?.close();
    },
  };
}

async function openService(options: ServerOptions, log: Log): Promise<Server> {
  const suites = [...options.deployment.applications.values()].map(({ suite }) => suite);
  return createService({
    ...options,
    suites: await loadSuites((message) => log("warning", { message }), suites),
    onKeyEvent: ({ event, ...key }) => log(event, key),
  });
}
