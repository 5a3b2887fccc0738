// deno-lint-ignore-file no-console -- this is the one place of the service that writes lines.
/**
 * The service as a process: socket, crons, signals. What it is made of, boot/assemble.ts says.
 *
 * @module
 */
import { processEnvironment } from "./boot/credentials.ts";
import { warnOfFewDescriptors } from "./boot/descriptors.ts";
import { catchFaults, reportFaults } from "./boot/faults.ts";
import { warnOfHosts } from "./boot/hosts.ts";
import { listen } from "./boot/listeners.ts";
import { assembleFromEnvironment, type FromEnvironment } from "./boot/from_environment.ts";
import { formatLine, type Log } from "./boot/log.ts";
import { maintainUntilDone } from "./boot/maintain_at_start.ts";
import { runJob } from "./boot/run_job.ts";
import { finishRequests, stopOnSignal } from "./boot/shutdown.ts";
import { exitCodeOf, mistakesOf } from "./boot/start_errors.ts";
import { registerMetrics } from "./boot/telemetry.ts";
import { welcomeText } from "./boot/welcome.ts";
import { failureOf, runMaintenance } from "./core/jobs/maintenance.ts";
import { runReleases } from "./core/jobs/run_releases.ts";

const log: Log = (event, members) => console.log(formatLine(event, members));

/** Ends crons and live views, which nobody waits for. */
const stopping = new AbortController();
const stopped = stopping.signal;

async function start(): Promise<FromEnvironment> {
  const started = await assembleFromEnvironment({ environment: processEnvironment, log, stopped });
  const { settings, secrets, service } = started;
  warnOfFewDescriptors(settings, log);
  warnOfHosts(settings, log);
  const hear = reportFaults({ log, count: (kind) => service.counters.fault(kind) });
  const listening = listen({ ...started, log, onFault: (fault) => hear("listener", fault) });
  // Before the first connection: the runtime ends the process where it has no descriptor left for its first signal.
  stopOnSignal(async () => {
    stopping.abort();
    await finishRequests(listening);
    await started.close();
  });
  const { address: { hostname, port }, operators } = listening;
  const { role, region } = settings;
  const apart = operators && { hostname: operators.hostname, port: operators.port };
  log("listening", { hostname, port, role, region, operators: apart });
  if (settings.development && role === "all") {
    console.log(welcomeText({ port, adminPort: operators?.port, adminToken: secrets.adminToken }));
  }
  registerMetrics(service);
  started.startBackground();
  catchFaults(hear);
  return started;
}

let running: FromEnvironment | undefined;

function jobOf({ counters }: FromEnvironment["service"]) {
  return { log, count: () => counters.fault("job"), signal: stopped };
}

// Only crons that are registered at the module's top level count on Deno Deploy.
Deno.cron("keys and sweeping", "7 * * * *", { signal: stopped }, async () => {
  if (running === undefined) return;
  const { service } = running;
  const report = await runJob({ ...jobOf(service), job: "maintenance", run: () => runMaintenance(service) });
  if (report !== undefined) log("maintenance", { ...report });
});

Deno.cron("releases", "20 1 * * *", { signal: stopped }, async () => {
  // An ACS alone stores no logs: its answers would be noise, and cost budget.
  if (running === undefined || running.settings.role === "acs") return;
  const { service } = running;
  await runJob({
    ...jobOf(service),
    job: "releases",
    async run() {
      const { outcomes, failure } = await runReleases(service);
      log("releases", outcomes);
      if (failure !== undefined) throw failure;
    },
  });
});

try {
  running = await start();
} catch (error) {
  const mistakes = mistakesOf(error);
  if (mistakes === undefined) throw error;
  for (const mistake of mistakes) console.error(mistake);
  Deno.exit(exitCodeOf(error));
}

const { service } = running;
const maintained = await maintainUntilDone(() => runMaintenance(service), {
  onFailure: (error) => log("maintenance_failed", { reason: failureOf(error) }),
  signal: stopped,
});
if (maintained !== undefined) log("maintenance", { ...maintained });
