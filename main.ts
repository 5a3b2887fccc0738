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
import { readPlace } from "./boot/place.ts";
import { answersOf, SocketSiblings } from "./boot/siblings.ts";
import { runJob } from "./boot/run_job.ts";
import { finishRequests, stopOnSignal } from "./boot/shutdown.ts";
import { exitCodeOf, mistakesOf } from "./boot/start_errors.ts";
import { registerMetrics } from "./boot/telemetry.ts";
import { welcomeText } from "./boot/welcome.ts";
import { failureOf, runMaintenance } from "./core/jobs/maintenance.ts";
import { runInTurn, type TurnOptions } from "./core/jobs/turns.ts";
import { runReleases } from "./core/jobs/run_releases.ts";

/** Where other processes answer on the same port. */
const place = readPlace(Deno.args);
const siblings = place && new SocketSiblings(place);
const ofProcess = place && { process: place.number };

const log: Log = (event, members) => console.log(formatLine(event, { ...ofProcess, ...members }));

/** Ends crons and live views, which nobody waits for. */
const stopping = new AbortController();
const stopped = stopping.signal;

async function start(): Promise<FromEnvironment> {
  const started = await assembleFromEnvironment({ environment: processEnvironment, log, siblings, stopped });
  const { settings, secrets, service } = started;
  warnOfFewDescriptors(settings, log);
  warnOfHosts(settings, log);
  const hear = reportFaults({ log, count: (kind) => service.counters.fault(kind) });
  const shared = place && (place.isFirst ? "first" : "later");
  const listening = listen({ ...started, log, shared, onFault: (fault) => hear("listener", fault) });
  // Before the first connection: the runtime ends the process where it has no descriptor left for its first signal.
  stopOnSignal(async () => {
    stopping.abort();
    await finishRequests(listening);
    await started.close();
    siblings?.close();
  });
  const { address: { hostname, port }, operators } = listening;
  const { role, region } = settings;
  const apart = operators && { hostname: operators.hostname, port: operators.port };
  log("listening", { hostname, port, role, region, operators: apart });
  if (settings.development && role === "all" && shared !== "later") {
    console.log(welcomeText({ port, adminPort: operators?.port, adminToken: secrets.adminToken }));
  }
  registerMetrics(service, ofProcess && { process: `${ofProcess.process}` });
  started.startBackground();
  siblings?.listen(answersOf(service));
  catchFaults(hear);
  return started;
}

let running: FromEnvironment | undefined;

function jobOf({ counters }: FromEnvironment["service"]) {
  return { log, count: () => counters.fault("job"), signal: stopped };
}

function turnOf({ store, random }: FromEnvironment["service"], job: TurnOptions["job"], mayShare: boolean) {
  return { store, random, job, mayShare, signal: stopped, steady: () => performance.now() };
}

/** A start does its own: the settings of this process may have something new. */
async function maintain(service: FromEnvironment["service"], mayShare: boolean): Promise<void> {
  const turned = await runInTurn(turnOf(service, "maintenance", mayShare), () => runMaintenance(service));
  if (turned.kind === "ran") log("maintenance", { ...turned.report });
  else if (turned.kind === "elsewhere") service.health.maintained({ endedAtSeconds: service.now() });
}

// Only crons that are registered at the module's top level count on Deno Deploy.
Deno.cron("keys and sweeping", "7 * * * *", { signal: stopped }, async () => {
  if (running === undefined) return;
  const { service } = running;
  await runJob({ ...jobOf(service), job: "maintenance", run: () => maintain(service, true) });
});

Deno.cron("releases", "20 1 * * *", { signal: stopped }, async () => {
  // An ACS alone stores no logs: its answers would be noise, and cost budget.
  if (running === undefined || running.settings.role === "acs") return;
  const { service } = running;
  await runJob({
    ...jobOf(service),
    job: "releases",
    run: () =>
      runInTurn(turnOf(service, "releases", true), async () => {
        const { outcomes, failure } = await runReleases(service);
        log("releases", outcomes);
        if (failure !== undefined) throw failure;
      }),
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
await maintainUntilDone(() => maintain(service, false), {
  onFailure: (error) => log("maintenance_failed", { reason: failureOf(error) }),
  signal: stopped,
});
