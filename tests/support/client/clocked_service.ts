// deno-lint-ignore-file no-console -- it tells the test that has started it what it has done.
/**
 * The service on a clock that a test moves, as a process of its own: a line `clock <seconds>` on its standard input sets
 * how far it is off, a line `maintain` runs the hourly job; each is answered with the same line.
 *
 * @module
 */
import { checkConfig } from "../../../core/config/check/check.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import { createService } from "../../../core/service.ts";
import { openStore } from "../../../core/store/deno_kv/open.ts";
import { loadSuites } from "../../../core/voprf/select.ts";
import { Admission } from "../../../edge/admission.ts";
import { deidentify } from "../../../edge/deidentify.ts";
import { readSettings } from "../../../boot/settings.ts";
import { openSessions } from "../../../boot/sessions.ts";
import { createApp } from "../../../routes/app.ts";
import config from "../../faults/config.ts";

const environment = (name: string) => Deno.env.get(name);
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const settings = readSettings(environment);
const { load } = config.applications;
const deployment = checkConfig({
  issuer: config.issuer,
  applications: {
    load: { ...load, epochSeconds: 3_600, overlapEpochs: Number(environment("DIT_TEST_OVERLAP")) },
  },
}, { development: true });

let offset = 0;
const service = createService({
  deployment,
  store: await openStore(settings.kv),
  region: settings.region,
  random,
  now: () => Math.floor(Date.now() / 1000) + offset,
  committer: { maxInFlight: 4 },
  sealer: await Sealer.of(settings.sealKeys!, random),
  suites: await loadSuites(() => {}, ["ristretto255-SHA512"]),
});
const { authenticators } = await openSessions(deployment, false, environment);
const app = createApp({
  service,
  role: "all",
  sessions: authenticators,
  adminTokenSha256: settings.adminTokenSha256!,
});
const handle = deidentify({
  handle: (request) => app.fetch(request),
  admission: new Admission(random, settings),
  count: () => {},
  applications: new Set(["load"]),
});
const http = Deno.serve(
  { port: settings.port, hostname: "127.0.0.1", onListen: () => {} },
  (request) => handle(request, "127.0.0.1"),
);

let text = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  text += chunk;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n")) {
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    if (line.startsWith("clock ")) offset = Number(line.slice("clock ".length));
    if (line === "maintain") await runMaintenance(service);
    if (line === "end") {
      await http.shutdown();
      await service.committer.drain();
      Deno.exit(0);
    }
    console.log(line);
  }
}
