/**
 * The service as a process of its own, in a folder of its own: main.ts, with the permissions that the launcher gives it
 * and nothing of this process' environment, over real sockets, to be stopped, killed and started again.
 *
 * @module
 */
import { isReady } from "../../../cli/cluster/service_process.ts";
import type { Send } from "../client/protocol_client.ts";
import { freePort } from "./free_ports.ts";
import { flagsOfTask } from "./task_flags.ts";

const ROOT = new URL("../../../", import.meta.url);

/** How a service is started. */
export interface RunOptions {
  /** The folder that it runs in, where `.dit/` will be. */
  readonly folder: string;
  /** The task whose permissions and variables it gets; `dev` by default. */
  readonly task?: "dev" | "start" | undefined;
  /** The port; one that no other test gets by default. */
  readonly port?: number | undefined;
  /** Variables besides those of the task. */
  readonly env?: Record<string, string> | undefined;
  /** Another module than main.ts. */
  readonly module?: URL | undefined;
  /** Changes the task's flags. */
  readonly flags?: ((flags: readonly string[]) => readonly string[]) | undefined;
  /** Put before the command, such as a limit on resources. */
  readonly wrap?: ((command: readonly string[]) => readonly string[]) | undefined;
}

/** A service's process. */
export interface RunningService extends AsyncDisposable {
  /** Where it answers. */
  readonly url: string;
  readonly port: number;
  readonly child: Deno.ChildProcess;
  /** The lines that it has written, to both streams. */
  readonly lines: readonly string[];
  /** All that it has written to stdout. */
  readonly stdout: () => string;
  /** All that it has written to stderr. */
  readonly stderr: () => string;
  /** The events that it has written with this name. */
  readonly events: (name: string) => Record<string, unknown>[];
  /** Sends it a request. */
  readonly send: Send;
  /** Sends a line to its standard input. */
  readonly say: (line: string) => Promise<void>;
  /** Waits until it has written an event with this name. Throws if it ends instead. */
  readonly until: (event: string) => Promise<void>;
  /** Waits until it can do its work; nobody asks it before. Throws if it ends instead. */
  readonly ready: () => Promise<void>;
  /** Its end, when all that it wrote has been read. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Ends it with a signal, if it has not ended already, and waits for its end. */
  readonly end: (signal: Deno.Signal) => Promise<Deno.CommandStatus>;
}

/** Of this process' environment: what Deno itself needs. */
const KEPT = ["PATH", "HOME", "TMPDIR", "DENO_DIR", "NPM_CONFIG_REGISTRY"];
/**
 * What Deno itself needs of this process' environment, and nothing else of it: tests beside this one change it, too.
 */
export function keptEnvironment(): Record<string, string> {
  return Object.fromEntries(KEPT.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** Far longer than a start takes on a machine that does much else. */
const PATIENCE_MS = 120_000;

/** How the launcher would start a service; where it would not, the launcher itself, which says why. */
function commandOf(
  folder: string,
  env: Record<string, string>,
): { args: string[]; variables: [string, string][] } {
  const launcher = [
    ...["run", "--no-prompt", ...flagsOfTask("start", "cli/start.ts")],
    new URL("cli/start.ts", ROOT).href,
  ];
  const { success, stdout } = new Deno.Command(Deno.execPath(), {
    args: [...launcher, "--show"],
    cwd: folder,
    clearEnv: true,
    // Its task allows it to run "deno", which is this one.
    env: { ...env, PATH: `${Deno.execPath().replace(/\/[^/]+$/, "")}:${env.PATH ?? ""}` },
  }).outputSync();
  if (!success) return { args: launcher, variables: [] };
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const program = lines.indexOf("deno");
  const variables = lines.slice(0, program).map((line): [string, string] => {
    const [, name = "", value = ""] = /^([^=]*)=(.*)$/.exec(line) ?? [];
    return [name, value];
  });
  return { args: lines.slice(program + 1), variables };
}

/** Starts a service; wait for what a test needs of it. */
export function runService(options: RunOptions): RunningService {
  const { folder, task = "dev", port = freePort(), flags: changed = (flags) => flags, wrap = (all) => all } =
    options;
  const env: Record<string, string> = {
    ...keptEnvironment(),
    ...task === "dev" ? { DIT_ENV: "development" } : {},
    NO_COLOR: "1",
    PORT: `${port}`,
    ...options.env,
  };
  const { args: [run = "", ...flags], variables } = commandOf(folder, env);
  const script = flags.pop() ?? "";
  const module = options.module?.href ?? script;
  const [program = "", ...args] = wrap([Deno.execPath(), run, ...changed(flags), module]);
  const child = new Deno.Command(program, {
    args,
    cwd: folder,
    clearEnv: true,
    env: { ...Object.fromEntries(variables), ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  const lines: string[] = [];
  const output: string[] = [];
  const errors: string[] = [];
  const input = child.stdin.getWriter();
  let over = false;
  const ended = Promise.all([
    child.status,
    readLines(child.stdout, lines, output),
    readLines(child.stderr, lines, errors),
  ])
    .then(async ([status]) => {
      over = true;
      await input.close().catch(() => {});
      return status;
    });
  const events = (name: string) =>
    lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
      .filter(({ event }) => event === name);
  /** Looks again and again, until what is waited for is there. */
  async function waitFor(what: string, isThere: () => boolean | Promise<boolean>): Promise<void> {
    const startedAt = performance.now();
    while (!await isThere()) {
      if (over) throw new Error(`The service ended at its start:\n${lines.join("\n")}`);
      if (performance.now() - startedAt > PATIENCE_MS) {
        throw new Error(`The service was not ${what} in time:\n${lines.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const service: RunningService = {
    url,
    port,
    child,
    lines,
    stdout: () => output.join("\n"),
    stderr: () => errors.join("\n"),
    events,
    send: (path, init) => fetch(url + path, init),
    say: (line) => input.write(new TextEncoder().encode(line + "\n")),
    until: (event) => waitFor(`at "${event}"`, () => events(event).length > 0),
    ready: () => waitFor("ready", () => isReady(url)),
    ended,
    async end(signal) {
      try {
        child.kill(signal);
      } catch {
        // It has ended already.
      }
      return await ended;
    },
    async [Symbol.asyncDispose]() {
      await service.end("SIGTERM");
    },
  };
  return service;
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ...into: string[][]
): Promise<void> {
  let rest = "";
  const keep = (line: string) => into.forEach((lines) => lines.push(line));
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    parts.forEach(keep);
  }
  if (rest !== "") keep(rest);
}

/** How a start ended that came to nothing. */
export interface FailedStart {
  readonly code: number;
  /** Lines of stderr. */
  readonly sentences: string[];
}

/** Starts the service where it cannot start, and waits until it has given up. */
export async function failToStart(options: RunOptions): Promise<FailedStart> {
  const service = runService(options);
  const { code } = await service.ended;
  return { code, sentences: service.stderr().split("\n").filter((line) => line !== "") };
}
