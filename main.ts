// deno-lint-ignore-file no-console -- this is the one place of the service that writes lines.
/**
 * The service: config, store, services, app; cron; serve; shutdown.
 *
 * @module
 */
import { checkConfig, ConfigError } from "./core/config/check.ts";
import type { Deployment } from "./core/config/types.ts";
import { Sealer, SealError } from "./core/keys/sealing.ts";
import { proveSealingKeys } from "./core/keys/resealing.ts";
import { runMaintenance } from "./core/maintenance.ts";
import { createService, type Service } from "./core/service.ts";
import { isFile, openStore } from "./core/store/open.ts";
import type { SuiteName } from "./core/voprf/suite.ts";
import { loadSuites } from "./core/voprf/select.ts";
import { adminTokenDigest } from "./edge/admin_guard.ts";
import { Admission } from "./edge/admission.ts";
import { deidentify } from "./edge/deidentify.ts";
import { developmentSecret } from "./edge/development_secrets.ts";
import { EnvironmentError, readSettings, type Settings } from "./edge/environment.ts";
import { lockStoreFile, StoreInUseError } from "./edge/file_lock.ts";
import { Regions } from "./edge/region.ts";
import { createSessionAuthenticator, SessionSetupError } from "./edge/session.ts";
import { createApp } from "./routes/app.ts";
import { loadConfig } from "./cli/load_config.ts";

/** A deployment is killed 5 s after it is told to stop. */
const SHUTDOWN_MS = 4_500;
/** What a crash may lose of the counters. */
const FLUSH_COUNTERS_MS = 5_000;

function log(event: string, members: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ event, ...members }));
}

/** A person's mistake ends the start with sentences, not with a stack. */
function explain(error: unknown): string[] | undefined {
  if (error instanceof ConfigError || error instanceof EnvironmentError) return [...error.mistakes];
  const known = [SealError, SessionSetupError, StoreInUseError];
  if (known.some((kind) => error instanceof kind)) return [(error as Error).message];
  if (error instanceof Deno.errors.AddrInUse) {
    return ["The port is in use: stop what listens there, or set PORT."];
  }
  return undefined;
}

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

async function start(settings: Settings): Promise<Service> {
  const deployment = checkConfig(await loadConfig(settings.config), { development: settings.development });
  const secrets = new Map<string, string>();
  if (settings.development) {
    for (const { session: { key } } of deployment.applications.values()) {
      if (key.kind !== "hs256") continue;
      secrets.set(key.secretEnv, (await developmentSecret(key.secretEnv.toLowerCase(), 32)).toHex());
    }
  }
  const secret = (name: string) => Deno.env.get(name) ?? secrets.get(name);
  const sessions = new Map(
    await Promise.all(
      [...deployment.applications].map(async ([id, app]) =>
        [id, await createSessionAuthenticator(app, { secret, fetch })] as const
      ),
    ),
  );
  const sealer = await Sealer.of(settings.sealKeys ?? [await developmentSecret("seal_key", 32)], random);
  const lock = isFile(settings.kv) ? await lockStoreFile(settings.kv) : undefined;
  const store = await openStore(settings.kv);
  await proveSealingKeys(store, sealer);
  const service = createService({
    deployment,
    store,
    sealer,
    suites: await loadSuites((message) => log("warning", { message }), suiteNames(deployment)),
    region: settings.region,
    random,
    now: () => Math.floor(Date.now() / 1000),
    committer: { maxInFlight: lock === undefined ? 4 : 1 },
  });
  const regions = settings.regions.size === 0
    ? undefined
    : new Regions({ others: settings.regions, token: settings.regionToken!, fetch });
  const adminTokenSha256 = settings.adminTokenSha256 ??
    (settings.development
      ? adminTokenDigest((await developmentSecret("admin_token", 32)).toBase64())
      : undefined);
  const app = createApp({
    service,
    sessions,
    ...(regions === undefined ? {} : { regions }),
    ...(adminTokenSha256 === undefined ? {} : { adminTokenSha256 }),
    ...(settings.development ? { developmentSecret: secret } : {}),
    onInternalError: (error) => log("internal_error", { name: (error as Error)?.name }),
  });
  const handle = deidentify({
    handle: (request) => app.fetch(request),
    admission: new Admission(random, settings),
    ...(settings.regionToken === undefined ? {} : { hopToken: settings.regionToken }),
    ...(settings.issueHost === undefined ? {} : { issueHost: settings.issueHost }),
    ...(settings.logHost === undefined ? {} : { logHost: settings.logHost }),
    ...(settings.logRequests ? { onAnswer: (line) => log("answer", { ...line }) } : {}),
    count: (answer) => service.counters.answered(answer),
    applications: new Set(deployment.applications.keys()),
  });
  const server = Deno.serve(
    {
      port: settings.port,
      hostname: settings.host,
      onListen: ({ hostname, port }) => announce(settings, hostname, port),
      // Of the connection only its address goes on, and no further than the throttle in the outermost function.
    },
    (request, { remoteAddr }) => handle(request, "hostname" in remoteAddr ? remoteAddr.hostname : undefined),
  );
  const flushing = setInterval(() => service.counterRows.flush().catch(() => {}), FLUSH_COUNTERS_MS);
  stopOnSignal(async () => {
    clearInterval(flushing);
    await server.shutdown();
    await service.committer.drain();
    await service.counterRows.flush().catch(() => {});
    store.close();
    lock?.close();
  });
  return service;
}

function suiteNames({ applications }: Deployment): SuiteName[] {
  return [...applications.values()].map(({ suite }) => suite);
}

function announce(settings: Settings, hostname: string, port: number): void {
  log("listening", { hostname, port, region: settings.region });
  if (!settings.development) return;
  const url = `http://localhost:${port}`;
  console.log(`
DIT runs at ${url} (development: anybody may sign in, secrets and the store are in .dit/).
Try next, in another terminal:
  deno task demo                          200 clients report real measurements
  curl ${url}/v1/apps/demo/keys    the public keys
  curl ${url}/v1/apps/demo/schema  what is collected
  curl -d '{"client":"alice"}' ${url}/dev/session
Ctrl-C stops it.
`);
}

function stopOnSignal(stop: () => Promise<void>): void {
  const onSignal = () => {
    cronStop.abort();
    setTimeout(() => Deno.exit(1), SHUTDOWN_MS);
    stop().then(() => Deno.exit(0), () => Deno.exit(1));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
}

const cronStop = new AbortController();
let running: Service | undefined;

// Only crons that are registered at the module's top level count on Deno Deploy.
Deno.cron("keys and sweeping", "7 * * * *", { signal: cronStop.signal }, async () => {
  if (running !== undefined) log("maintenance", { ...await runMaintenance(running) });
});

try {
  running = await start(readSettings((name) => Deno.env.get(name)));
  log("maintenance", { ...await runMaintenance(running) });
} catch (error) {
  const mistakes = explain(error);
  if (mistakes === undefined) throw error;
  for (const mistake of mistakes) console.error(mistake);
  Deno.exit(1);
}
