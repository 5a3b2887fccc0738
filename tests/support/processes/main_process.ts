/**
 * The service as a process of its own: main.ts, with the permissions that a task of deno.json gives it, in a folder of
 * its own and on a port that the system chooses.
 *
 * @module
 */
import { runFlags } from "../../../cli/cluster/service_process.ts";
import configuration from "../../../deno.json" with { type: "json" };
import type { Send } from "../client/protocol_client.ts";

/** How the service is started. */
export interface MainOptions {
  /** The folder that it runs in, where `.dit/` will be. */
  readonly folder: string;
  /** The task whose permissions it gets; `dev` by default. */
  readonly task?: "dev" | "start";
  /** Its whole environment besides the port and what Deno needs. */
  readonly env?: Record<string, string>;
}

/** A service that has started. */
export interface MainProcess extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  /** Sends it a request. */
  readonly send: Send;
  /** Sends a signal and waits for the end; gives the exit code and what was written to stderr. */
  readonly end: (signal: Deno.Signal) => Promise<{ code: number; stderr: string }>;
}

/** How a start ended that came to nothing. */
export interface FailedStart {
  readonly code: number;
  /** Lines of stderr. */
  readonly sentences: string[];
}

function spawn({ folder, task = "dev", env = {} }: MainOptions): Deno.ChildProcess {
  const { command } = configuration.tasks[task];
  const kept = ["PATH", "HOME", "DENO_DIR", "NPM_CONFIG_REGISTRY"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...runFlags(command, "main.ts"), import.meta.resolve("../../../main.ts")],
    cwd: folder,
    clearEnv: true,
    env: { ...Object.fromEntries(kept), OTEL_PROPAGATORS: "none", NO_COLOR: "1", PORT: "0", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Starts the service in development and waits until it has done its first maintenance. */
export async function startMain(options: MainOptions): Promise<MainProcess> {
  const child = spawn({ ...options, env: { DIT_ENV: "development", ...options.env } });
  const stderr = new Response(child.stderr).text();
  let port = 0;
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes('"event":"maintenance"');) {
    const { done, value } = await lines.read();
    if (done) throw new Error(`The service did not start:\n${text}${await stderr}`);
    text += value;
    port = Number(/"event":"listening".*?"port":([0-9]+)/.exec(text)?.[1] ?? 0);
  }
  const rest = drain(lines);
  const base = `http://127.0.0.1:${port}`;
  let ended = false;
  child.status.then(() => ended = true);
  const main: MainProcess = {
    port,
    send: (path, init) => fetch(base + path, init),
    async end(signal) {
      child.kill(signal);
      const [{ code }] = await Promise.all([child.status, rest]);
      return { code, stderr: await stderr };
    },
    async [Symbol.asyncDispose]() {
      if (!ended) await main.end("SIGKILL");
    },
  };
  return main;
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}

/** Starts the service where it cannot start, and waits until it has given up. */
export async function failToStart(options: MainOptions): Promise<FailedStart> {
  const { code, stderr } = await spawn(options).output();
  return { code, sentences: new TextDecoder().decode(stderr).split("\n").filter((line) => line !== "") };
}

/** Every file below a folder with its bytes in hex, for proof that nothing was written. */
export async function filesIn(folder: string, below = ""): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    const path = below + name;
    if (isDirectory) Object.assign(files, { [`${path}/`]: "" }, await filesIn(folder, `${path}/`));
    else files[path] = (await Deno.readFile(`${folder}/${path}`)).toHex();
  }
  return files;
}
