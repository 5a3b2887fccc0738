// deno-lint-ignore-file no-console -- this is the one place of the service that writes lines.
/**
 * The service: config, store, server, app; cron; serve; shutdown.
 *
 * @module
 */
import { checkConfig } from "./core/config/check/check.ts";
import { readGauges } from "./core/operations/gauges.ts";
import { failureOf, runMaintenance } from "./core/jobs/maintenance.ts";
import { runReleases } from "./core/jobs/run_releases.ts";
import type { Server } from "./core/service.ts";
import { Admission } from "./edge/admission.ts";
import { readClientBundle } from "./boot/client_bundle.ts";
import { deidentify } from "./edge/deidentify.ts";
import { readSettings, type Settings } from "./boot/settings.ts";
import { explain } from "./boot/start_errors.ts";
import { maintainUntilDone } from "./boot/maintain_at_start.ts";
import { openConsole, openOperators, signInAdmission } from "./boot/console.ts";
import { openServer } from "./boot/server.ts";
import { openSessions } from "./boot/sessions.ts";
import { Regions } from "./edge/remote/region.ts";
import { registerMetrics } from "./boot/telemetry.ts";
import { finishRequests, stopOnSignal } from "./boot/shutdown.ts";
import { welcomeText } from "./boot/welcome.ts";
import { createApp } from "./routes/app.ts";
import { loadConfig } from "./boot/load_config.ts";

/** What a crash may lose of the counters. */
const FLUSH_COUNTERS_MS = 5_000;

const say = (text: string) => console.log(text);

function log(event: string, members: Record<string, unknown> = {}): void {
  say(JSON.stringify({ event, ...members }));
}

const environment = (name: string) => Deno.env.get(name);
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

async function start(settings: Settings): Promise<Server> {
  const { development, role, regions, regionToken } = settings;
  const deployment = checkConfig(await loadConfig(settings.config), { development });
  // An ACS alone signs nobody in: its callers have.
  const sessions = role === "acs" ? undefined : await openSessions(deployment, development, environment);
  const { server, close } = await openServer(settings, deployment, log, environment);
  const { adminToken, ...operators } = await openOperators(settings);
  const { adminTokenSha256, readerTokenSha256 } = operators;
  const operatorsConsole = await openConsole(settings, operators, server);
  const app = createApp({
    service: server,
    role,
    ...(sessions === undefined ? {} : { sessions: sessions.authenticators }),
    ...(regions.size === 0 ? {} : { regions: new Regions({ others: regions, token: regionToken!, fetch }) }),
    ...(adminTokenSha256 === undefined ? {} : { adminTokenSha256 }),
    ...(readerTokenSha256 === undefined ? {} : { readerTokenSha256 }),
    ...(operatorsConsole === undefined ? {} : { console: { ...operatorsConsole, stopped: stopping.signal } }),
    ...(development && sessions !== undefined ? { developmentSecret: sessions.secret } : {}),
    ...(development && role === "all" ? { clientBundle: readClientBundle } : {}),
    onInternalError: (error) =>
      log("internal_error", { reasons: explain(error) ?? [(error as Error)?.name] }),
  });
  const handle = deidentify({
    handle: (request) => app.fetch(request),
    admission: new Admission(random, settings),
    signInAdmission: signInAdmission(random, settings),
    ...(regionToken === undefined ? {} : { hopToken: regionToken }),
    ...(settings.issueHost === undefined ? {} : { issueHost: settings.issueHost }),
    ...(settings.logHost === undefined ? {} : { logHost: settings.logHost }),
    ...(settings.adminHost === undefined ? {} : { adminHost: settings.adminHost }),
    ...(settings.logRequests ? { onAnswer: (line) => log("answer", { ...line }) } : {}),
    count: (answer) => server.counters.answered(answer),
    applications: new Set(deployment.applications.keys()),
  });
  const http = Deno.serve(
    {
      port: settings.port,
      hostname: settings.host,
      onListen({ hostname, port }) {
        log("listening", { hostname, port, role, region: settings.region });
        if (development && role === "all") say(welcomeText(port, adminToken));
      },
      // What the runtime stumbles over itself, such as a Host that makes no URL, it would print together with the URL.
      onError: () => new Response(null, { status: 400 }),
    },
    // Of the connection only its address goes on, and no further than the throttle.
    (request, { remoteAddr }) => handle(request, "hostname" in remoteAddr ? remoteAddr.hostname : undefined),
  );
  registerMetrics({ counts: () => server.counters.exported(), gauges: () => readGauges(server) });
  const flushing = setInterval(() => server.counterRows.flush().catch(() => {}), FLUSH_COUNTERS_MS);
  stopOnSignal(async () => {
    stopping.abort();
    clearInterval(flushing);
    await finishRequests(http);
    await close();
  });
  return server;
}

/** Ends crons and live views, which nobody waits for. */
const stopping = new AbortController();
let running: Server | undefined;
/** The same unless it is an ACS alone, which stores no logs: its answers would be noise, and cost budget. */
let collecting: Server | undefined;

// Only crons that are registered at the module's top level count on Deno Deploy.
Deno.cron("keys and sweeping", "7 * * * *", { signal: stopping.signal }, async () => {
  if (running !== undefined) log("maintenance", { ...await runMaintenance(running) });
});

Deno.cron("releases", "20 1 * * *", { signal: stopping.signal }, async () => {
  if (collecting === undefined) return;
  const { outcomes, failure } = await runReleases(collecting);
  log("releases", outcomes);
  // Cron tries again in a moment, and once more the next night.
  if (failure !== undefined) throw failure;
});

try {
  const settings = readSettings(environment);
  running = await start(settings);
  if (settings.role !== "acs") collecting = running;
} catch (error) {
  const mistakes = explain(error);
  if (mistakes === undefined) throw error;
  for (const mistake of mistakes) console.error(mistake);
  Deno.exit(1);
}

const server = running;
const maintained = await maintainUntilDone(() => runMaintenance(server), {
  onFailure: (error) => log("maintenance_failed", { reason: failureOf(error) }),
  signal: stopping.signal,
});
if (maintained !== undefined) log("maintenance", { ...maintained });
