// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task dev:cluster`: a KV Connect endpoint on `.dit/cluster.sqlite3` and three processes of the service on it, to
 * see what several machines would do. `--ports=8001,8002,8003` chooses others.
 *
 * @module
 */
import { parseArgs } from "node:util";
import configuration from "../deno.json" with { type: "json" };
import { lockStoreFile, StoreInUseError } from "../edge/file_lock.ts";
import { type KvEndpoint, startKvEndpoint } from "../tests/support/kv_endpoint.ts";
import { runFlags } from "./service_process.ts";

const STORE = ".dit/cluster.sqlite3";

/** The service itself ends within 5 s. */
const END_MS = 8_000;

interface Member {
  readonly port: number;
  readonly process: Deno.ChildProcess;
  /** Settles when the process has ended and all that it wrote is printed. */
  readonly ended: Promise<Deno.CommandStatus>;
}

function startMember(port: number, kvUrl: string, token: string): Member {
  const process = new Deno.Command("deno", { // with what `deno task dev` lets the service do, no less and no more
    args: [
      "run",
      ...runFlags(configuration.tasks.dev.command, "main.ts"),
      import.meta.resolve("../main.ts"),
    ],
    env: {
      DIT_ENV: "development",
      OTEL_PROPAGATORS: "none",
      DIT_KV: kvUrl,
      DENO_KV_ACCESS_TOKEN: token,
      PORT: `${port}`,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true, // Ctrl-C in a terminal signals a whole process group: each member shall be told once, by us.
  }).spawn();
  const printed = Promise.all([print(port, process.stdout), print(port, process.stderr)]);
  return { port, process, ended: process.status.then((status) => printed.then(() => status)) };
}

async function print(port: number, output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") console.log(`[${port}] ${line}`);
  }
  if (rest !== "") console.log(`[${port}] ${rest}`);
}

/** Waits until a member answers; false if it has ended instead. */
async function ready({ port, ended }: Member): Promise<boolean> {
  let running = true;
  ended.then(() => running = false);
  while (running) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await answer.body?.cancel();
      if (answer.ok && running) return true;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

function send(signal: Deno.Signal, { process }: Member): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended already.
  }
}

/** Ends every member, by force after a while, then the endpoint. */
async function end(members: readonly Member[], endpoint: KvEndpoint): Promise<void> {
  for (const member of members) send("SIGTERM", member);
  const force = setTimeout(() => members.forEach((member) => send("SIGKILL", member)), END_MS);
  await Promise.all(members.map((member) => member.ended));
  clearTimeout(force);
  await endpoint.stop();
}

function announce(members: readonly Member[], endpoint: KvEndpoint): void {
  const [first, second] = members;
  const urls = members.map(({ port, process }) => `  http://127.0.0.1:${port}   (process ${process.pid})`);
  console.log(`
${members.length} processes of the service share one store:
${urls.join("\n")}
The store is ${STORE}, behind a KV Connect endpoint at ${endpoint.url} that ends with this command.
Try next, in another terminal:
  curl http://127.0.0.1:${first?.port}/v1/apps/demo/keys   the same keys from each of them
  kill -9 ${second?.process.pid}   the others go on, and nothing that was acknowledged is lost
For several machines: the same service with DIT_KV set to the URL of a denokv server, or on Deno Deploy.
Ctrl-C ends all of it.
`);
}

async function runCluster(ports: readonly number[]): Promise<number> {
  using _lock = await lockStoreFile(STORE);
  const token = crypto.getRandomValues(new Uint8Array(24)).toHex();
  const endpoint = await startKvEndpoint({ path: STORE, token });
  const members: Member[] = [];
  let ending: Promise<void> | undefined;
  const stop = () => void (ending ??= end(members, endpoint));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, stop);

  for (const port of ports) {
    if (ending !== undefined) break;
    const member = startMember(port, endpoint.url, token);
    members.push(member);
    // One after the other: the first makes the secrets of development in .dit, the others read them.
    if (!await ready(member) && ending === undefined) {
      console.error(`[${port}] did not start, so the cluster ends.`);
      await (ending = end(members, endpoint));
      return 1;
    }
    member.ended.then(({ code }) => {
      if (ending === undefined) console.log(`[${port}] ended with code ${code}; the others go on`);
    });
  }
  if (ending === undefined) announce(members, endpoint);
  await Promise.all(members.map((member) => member.ended));
  stop();
  await ending;
  console.log("The cluster has ended; its store stays for the next time.");
  return 0;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { ports: { type: "string", default: "8001,8002,8003" } } });
  const ports = values.ports.split(",").map(Number);
  if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) {
    console.error("Give --ports as numbers from 1 to 65535, separated by commas.");
    Deno.exit(2);
  }
  try {
    Deno.exit(await runCluster(ports));
  } catch (error) {
    if (!(error instanceof StoreInUseError)) throw error;
    console.error(`Another cluster uses ${STORE}: stop it first.`);
    Deno.exit(1);
  }
}
