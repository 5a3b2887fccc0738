/**
 * The real service in a process of its own, in a folder of its own: with the permissions that its task gives it, over
 * real sockets, to be killed and started again.
 *
 * @module
 */
import { assert } from "@std/assert";
import { isReady, runFlags, taskVariables } from "../../../cli/cluster/service_process.ts";
import configuration from "../../../deno.json" with { type: "json" };

const ROOT = new URL("../../../", import.meta.url).pathname;

/** What to start. */
export interface ProcessOptions {
  /** The working directory, in which `.dit/` will be. */
  readonly folder: string;
  /** The port. */
  readonly port: number;
  /** Variables besides those of `deno task dev`. */
  readonly env?: Record<string, string>;
}

/** A service's process. */
export interface RunningProcess extends AsyncDisposable {
  /** Where it answers. */
  readonly url: string;
  /** The lines that it has written. */
  readonly lines: string[];
  /** The events that it has written with this name. */
  events(name: string): Record<string, unknown>[];
  /** Ends it by a signal and waits for its end. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<Deno.CommandStatus>;
}

/** Runs a script of the repository in a folder, with the flags that its task gives it, to its end. */
export async function runTask(
  task: keyof typeof configuration.tasks,
  script: string,
  args: string[],
  folder: string,
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { command } = configuration.tasks[task];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", ...runFlags(command, script), ROOT + script, ...args],
    cwd: folder,
    env,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Vacuums and starts the service as `deno task dev` does, and waits until it listens. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { folder, port } = options;
  const env = { ...taskVariables(configuration.tasks.dev.command), ...options.env, PORT: String(port) };
  await runTask("dev", "cli/vacuum.ts", [], folder, env);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      ...runFlags(configuration.tasks.dev.command, "main.ts"),
      `${ROOT}main.ts`,
    ],
    cwd: folder,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const reading = Promise.all([read(child.stdout, lines), read(child.stderr, lines)]);
  let ended = false;
  child.status.then(() => ended = true);
  const process: RunningProcess = {
    url: `http://127.0.0.1:${port}`,
    lines,
    events: (name) =>
      lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
        .filter(({ event }) => event === name),
    async kill(signal) {
      if (!ended) child.kill(signal);
      const status = await child.status;
      await reading;
      return status;
    },
    async [Symbol.asyncDispose]() {
      await process.kill("SIGTERM");
    },
  };
  for (let attempt = 0; process.events("listening").length === 0 && !ended; attempt++) {
    assert(attempt < 4_800, `the service does not listen:\n${lines.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return process;
}

/** As {@linkcode startProcess}, and waits until it can do its work. */
export async function startReady(options: ProcessOptions): Promise<RunningProcess> {
  const process = await startProcess(options);
  for (let attempt = 0; !await isReady(process.url); attempt++) {
    assert(attempt < 2_400, `the service is not ready:\n${process.lines.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process;
}

async function read(stream: ReadableStream<Uint8Array<ArrayBuffer>>, lines: string[]): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
  }
  if (rest !== "") lines.push(rest);
}

/** Folders for the length of a test, each with a configuration module `config.js` if one is given. */
export class Folders implements AsyncDisposable {
  readonly #made: string[] = [];

  /** Makes one. */
  async make(config?: unknown): Promise<string> {
    const folder = await Deno.makeTempDir();
    this.#made.push(folder);
    if (config !== undefined) {
      await Deno.writeTextFile(`${folder}/config.js`, `export default ${JSON.stringify(config)};\n`);
    }
    return folder;
  }

  /** Removes all. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of this.#made) await Deno.remove(folder, { recursive: true });
  }
}

/** A deployment with one application `demo` that signs anybody in. */
export function demoConfig(changes: Record<string, unknown> = {}): unknown {
  return {
    issuer: "telemetry.example",
    applications: {
      demo: {
        session: { issuer: "https://demo.example", key: { kind: "hs256", secretEnv: "DIT_SESSION_SECRET" } },
        events: {
          app_opened: {
            description: "The app was opened.",
            purpose: "How many people use it.",
            owner: "demo-team",
            expires: "2099-12-31",
            fields: {},
          },
        },
        ...changes,
      },
    },
  };
}

/** Signs in at a development service. */
export async function signIn(url: string, client: string): Promise<string> {
  const response = await fetch(`${url}/dev/session`, { method: "POST", body: JSON.stringify({ client }) });
  const { jwt } = await response.json();
  return jwt;
}

/** How many rows of which family a development service's store holds. */
export async function countRows(url: string): Promise<Record<string, number>> {
  return await (await fetch(`${url}/dev/store`)).json();
}
