// deno-lint-ignore-file no-console -- it tells the test that has started it what it has done.
/**
 * The service on a clock that a test moves, as a process of its own: a line `clock <seconds>` on its standard input sets
 * how far it is off, a line `maintain` runs the hourly job; each is answered with the same line.
 *
 * @module
 */
import { assemble } from "../../../boot/assemble.ts";
import { readSecrets } from "../../../boot/secrets.ts";
import { readSettings } from "../../../boot/settings.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import { openStore } from "../../../boot/open_store.ts";
import config from "../../faults/config.ts";

const environment = (name: string) => Deno.env.get(name);
const settings = readSettings(environment);
const { load } = config.applications;
const deployment = checkConfig({
  issuer: config.issuer,
  applications: {
    load: { ...load, epochSeconds: 3_600, overlapEpochs: Number(environment("DIT_TEST_OVERLAP")) },
  },
}, { development: true });

let offset = 0;
const { service, handle, close } = await assemble({
  settings,
  deployment,
  secrets: await readSecrets(settings, deployment, environment),
  openStore: () => openStore(settings.kv),
  ports: {
    now: () => Math.floor(Date.now() / 1000) + offset,
    // Time has passed where the clock was moved: what a leap does is tested elsewhere.
    steady: () => performance.now() / 1000 + offset,
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    fetch,
    log: () => {},
    onInternalError: (error) => console.error(error),
  },
  stopped: new AbortController().signal,
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
      await close();
      Deno.exit(0);
    }
    console.log(line);
  }
}
