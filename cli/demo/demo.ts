// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task demo`: real clients report their own, real measurements to a running service, or to one that is started
 * for them when none is there; and a few strangers try to slip in without a token. `--endpoint=URL` and `--clients=N`
 * choose others than this machine's `PORT` (8000) and 200; `--logs-to=URL` sends the logs to another region than the one that gave the
 * tokens. `--scenario crash-by-version` and `--scenario leak` show releases and the risk monitor, on services of their own
 * or, with `--endpoint`, on a running one, whose console shows it too.
 *
 * @module
 */
import { CommandError } from "../admin_api.ts";
import { EXIT, runCommand } from "../command.ts";
import { subcommand } from "../subcommand.ts";
import { UsageError, type Values } from "../options.ts";
import { type DemoResult, runDemoClient } from "./client.ts";
import { requireSignIn } from "./sign_in.ts";
import { runStranger, type StrangerResult } from "./stranger.ts";
import { showProgress } from "../progress.ts";
import { showCrashesByVersion } from "./scenario_crashes.ts";
import { showLeak } from "./scenario_leak.ts";
import { isReady, type ServiceProcess, startService } from "../cluster/service_process.ts";
import { formatTable } from "../table.ts";

const AT_ONCE = 16;
const CLIENTS_PER_STRANGER = 20;

interface Arguments {
  readonly endpoint: string;
  readonly logsTo: string;
  readonly clients: number;
  readonly scenario: "" | "crash-by-version" | "leak";
  /** The running service that a scenario is for; undefined: one of its own. */
  readonly running: string | undefined;
}

const OPTIONS = {
  endpoint: {
    type: "string",
    value: "URL",
    help:
      "The service: that of this machine by default, started where none runs. A scenario has one of its own.",
  },
  "logs-to": { type: "string", value: "URL", help: "Another region's service, to which the logs go." },
  clients: {
    type: "string",
    value: "N",
    help: "How many clients: 200 by default, 10000 in crash-by-version.",
  },
  scenario: {
    type: "string",
    value: "NAME",
    help: "What is shown: crash-by-version shows releases, leak shows the risk monitor.",
  },
} as const;

/** The arguments, checked. Throws {@linkcode UsageError} with what is wrong. */
function readArguments(values: Values<typeof OPTIONS>): Arguments {
  const { scenario = "" } = values;
  if (scenario !== "" && scenario !== "crash-by-version" && scenario !== "leak") {
    throw new UsageError("Give --scenario crash-by-version or leak.");
  }
  const clients = Number(values.clients ?? (scenario === "" ? 200 : 10_000));
  if (!Number.isInteger(clients) || clients < 1 || clients > 100_000) {
    throw new UsageError("Give --clients a whole number from 1 to 100000.");
  }
  const endpoint = values.endpoint ?? `http://localhost:${Deno.env.get("PORT") ?? 8000}`;
  const logsTo = values["logs-to"] ?? endpoint;
  if (!isServiceUrl(endpoint) || !isServiceUrl(logsTo)) {
    throw new UsageError(
      "Give --endpoint and --logs-to the URL of a service, such as http://localhost:8000.",
    );
  }
  const running = values.endpoint?.replace(/\/$/, "");
  return {
    endpoint: endpoint.replace(/\/$/, ""),
    logsTo: logsTo.replace(/\/$/, ""),
    clients,
    scenario,
    running,
  };
}

function isServiceUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}

async function runClients({ endpoint, logsTo, clients }: Arguments): Promise<DemoResult[]> {
  const run = crypto.randomUUID().slice(0, 8);
  const results: DemoResult[] = [];
  let next = 0;
  const work = async () => {
    while (next < clients) {
      const number = next++;
      results.push(
        await runDemoClient({
          endpoint,
          logsTo,
          name: `demo-${run}-${number}`,
          losesAnswer: number % 10 === 0,
        }),
      );
      showProgress(results.length, clients, "clients");
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, clients) }, work));
  console.log("\n");
  return results;
}

async function runStrangers(endpoint: string, count: number): Promise<StrangerResult[]> {
  const results: StrangerResult[] = [];
  for (let number = 0; number < count; number++) results.push(await runStranger(endpoint));
  return results;
}

/** Prints what became of the strangers. Gives how many of their attempts were not refused. */
function reportStrangers(results: readonly StrangerResult[]): number {
  const codes = new Map<string, number>();
  for (const code of results.flatMap(({ refused }) => refused)) codes.set(code, (codes.get(code) ?? 0) + 1);
  const accepted = results.reduce((sum, result) => sum + result.accepted, 0);
  const refused = codes.values().reduce((a, b) => a + b, 0);
  console.log(formatTable([
    ["strangers without a token", results.length],
    ["attempts refused", refused],
    ...[...codes].map(([code, count]) => [`  ${code}`, count]),
    ["attempts accepted", accepted === 0 ? "none" : accepted],
  ]));
  console.log();
  return accepted;
}

function percentile(values: number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1) ?? "-";
}

function report(results: DemoResult[]): number {
  const sum = (count: (result: DemoResult) => number) =>
    results.reduce((total, result) => total + count(result), 0);
  const refusals = new Map<string, number>();
  for (const { refused } of results) {
    for (const code of refused) refusals.set(code, (refusals.get(code) ?? 0) + 1);
  }
  const unexpected = [...refusals.values()].reduce((a, b) => a + b, 0) + sum((result) => result.dropped);
  console.log(formatTable([
    ["clients", results.length],
    ["tokens issued", sum((result) => result.tokens)],
    ["events accepted", sum((result) => result.accepted)],
    ["logs lost on the way and sent again", sum((result) => result.lost)],
    ["replays recognised", sum((result) => result.replayed)],
    ["events dropped", sum((result) => result.dropped)],
    ["refusals", refusals.size === 0 ? "none" : ""],
    ...[...refusals].map(([code, count]) => [`  ${code}`, count]),
  ]));
  console.log();
  const step = (name: string, times: (result: DemoResult) => number[]) => {
    const all = results.flatMap(times);
    return [name, all.length, percentile(all, 0.5), percentile(all, 0.99)];
  };
  console.log(formatTable([
    ["step", "count", "p50 ms", "p99 ms"],
    step("sign in", (result) => result.times.session),
    step("fetch tokens", (result) => result.times.tokens),
    step("send a log", (result) => result.times.logs),
  ]));
  console.log();
  return unexpected;
}

async function reportStore(endpoint: string): Promise<void> {
  const response = await fetch(`${endpoint}/dev/store`);
  if (!response.ok) {
    await response.body?.cancel();
    return;
  }
  const families: Record<string, number> = await response.json();
  console.log(formatTable([["the store now holds", "rows"], ...Object.entries(families)]));
}

/** Whether the service has a console to watch. */
async function hasConsole(endpoint: string): Promise<boolean> {
  const response = await fetch(`${endpoint}/console/sign-in`);
  await response.body?.cancel();
  return response.ok;
}

/** Finds the service, or starts one for the demo, which is given back. */
async function findService(endpoint: string): Promise<ServiceProcess | undefined> {
  if (await isReady(endpoint)) {
    await requireSignIn(endpoint);
    if (await hasConsole(endpoint)) {
      console.log(`The console shows it as it happens: ${endpoint}/console\n`);
    }
    return undefined;
  }
  const port = Number(/^http:\/\/(?:localhost|127\.0\.0\.1):([0-9]+)$/.exec(endpoint)?.[1] ?? 0);
  if (port === 0) throw new CommandError(`No service is ready at ${endpoint}.`);
  console.log(`No service is ready at ${endpoint}: one is started for the demo.`);
  return await startService({ port });
}

async function showDemo(chosen: Arguments): Promise<void> {
  const own = await findService(chosen.endpoint);
  let unexpected = 1;
  try {
    const [clients, strangers] = await Promise.all([
      runClients(chosen),
      runStrangers(chosen.endpoint, Math.ceil(chosen.clients / CLIENTS_PER_STRANGER)),
    ]);
    unexpected = report(clients) + reportStrangers(strangers);
    await reportStore(chosen.endpoint);
  } finally {
    await own?.stop();
  }
  Deno.exit(unexpected === 0 ? 0 : 1);
}

await runCommand({
  name: "demo",
  help: "Real clients report to the service.",
  subcommands: {
    "": subcommand({
      help: "Real clients report real measurements to a running service, and strangers try without a token.",
      options: OPTIONS,
      async work(values) {
        const chosen = readArguments(values);
        if (chosen.scenario === "") return await showDemo(chosen);
        const isShown = chosen.scenario === "leak"
          ? await showLeak(chosen.running)
          : await showCrashesByVersion(chosen.clients, chosen.running);
        Deno.exit(isShown ? 0 : EXIT.failed);
      },
    }),
  },
});
