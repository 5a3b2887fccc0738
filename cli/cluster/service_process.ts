/**
 * Starts the service as a process of its own, with just the permissions that `deno task dev` gives it.
 *
 * @module
 */
import configuration from "../../deno.json" with { type: "json" };

/** The flags that a task gives to `deno run` of a script. Throws an `Error` if the task does not run it. */
export function runFlags(task: string, script: string): string[] {
  const words = task.split(/\s+/);
  const end = words.indexOf(script);
  const start = words.lastIndexOf("run", end) + 1;
  const flags = words.slice(start, end);
  if (
    end === -1 || start < 2 || words[start - 2] !== "deno" || !flags.every((flag) => flag.startsWith("--"))
  ) {
    throw new Error(`Cannot find "deno run --... ${script}" in a task of deno.json`);
  }
  return flags;
}

/** The variables that a task exports before it runs anything. */
function taskVariables(task: string): Record<string, string> {
  const pairs = /^export ((?:\w+=\S+ )+)&& /.exec(task)?.[1]?.trim().split(" ") ?? [];
  return Object.fromEntries(pairs.map((pair) => pair.split("=")));
}

/** How a task of deno.json runs the service: to be put behind `deno run`, and the variables that it sets. */
export function mainCommand(
  task: "dev" | "start",
): { flags: readonly string[]; script: URL; variables: Record<string, string> } {
  const { command } = configuration.tasks[task];
  return {
    flags: runFlags(command, "main.ts"),
    script: new URL("../../main.ts", import.meta.url),
    variables: taskVariables(command),
  };
}

/** How {@linkcode spawnMain} starts a service. */
interface SpawnOptions {
  readonly port: number;
  readonly env?: Record<string, string> | undefined;
  readonly output: "piped" | "inherit" | "null";
  /** What runs it, as `--allow-run` names it; this very Deno by default. */
  readonly program?: string;
}

/** A development service's process, with just what `deno task dev` lets it do. */
export function spawnMain(
  { port, env, output, program = Deno.execPath() }: SpawnOptions,
): Deno.ChildProcess {
  const { flags, script, variables } = mainCommand("dev");
  return new Deno.Command(program, {
    args: ["run", ...flags, script.href],
    env: { ...variables, ...env, PORT: `${port}` },
    stdin: "null",
    stdout: output,
    stderr: output,
    detached: true, // Ctrl-C in a terminal reaches the whole group: the service is told once, by us.
  }).spawn();
}

/** A running service. */
export interface ServiceProcess {
  /** Where it answers. */
  readonly url: string;
  /** The process. */
  readonly child: Deno.ChildProcess;
  /** Tells it to stop and waits for its end. */
  stop(): Promise<Deno.CommandStatus>;
}

/** How a service is started. */
export interface ServiceProcessOptions {
  /** The port; a free one by default. */
  readonly port?: number;
  /** Variables besides those of `deno task dev`. */
  readonly env?: Record<string, string>;
  /** What becomes of its output. */
  readonly output?: "inherit" | "null";
}

/** Starts a service and waits until it is ready. Throws when it ends instead. */
export async function startService(options: ServiceProcessOptions = {}): Promise<ServiceProcess> {
  const port = options.port ?? portOfNow();
  const url = `http://localhost:${port}`;
  const child = spawnMain({ port, env: options.env, output: options.output ?? "null" });
  let ended = false;
  child.status.then(() => ended = true);
  while (!await isReady(url)) {
    if (ended) throw new Error(`The service did not start on port ${port}: run deno task dev to see why.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    child,
    stop: async () => {
      if (!ended) child.kill("SIGTERM");
      return await child.status;
    },
  };
}

/** Whether a service at `url` is ready. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** A port that nobody listens on at this moment. */
function portOfNow(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
