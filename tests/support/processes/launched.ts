/**
 * The launcher, as `deno task start` runs it.
 *
 * @module
 */
import { isReady } from "../../../cli/cluster/service_process.ts";
import { freePort } from "./free_ports.ts";
import { keptEnvironment } from "./running_service.ts";
import { flagsOfTask } from "./task_flags.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Far longer than a start takes on a machine that does much else. */
const PATIENCE_MS = 120_000;

/** A launcher, and what it started. */
export interface Launched extends AsyncDisposable {
  /** Where the service answers. */
  readonly url: string;
  /** The launcher's own process. */
  readonly launcher: Deno.ChildProcess;
  /** The service's process, once it is there. */
  readonly service: () => Promise<number>;
  /** All processes that it has started. */
  readonly services: () => Promise<number[]>;
  /** Waits until the service answers. Throws if the launcher ends instead. */
  readonly ready: () => Promise<void>;
  /** The launcher's end, and all that both have printed. */
  readonly ended: Promise<{ code: number; printed: string }>;
}

/** What a production service needs to start, besides its store. */
export const PRODUCTION: Readonly<Record<string, string>> = {
  DIT_SEAL_KEYS: new Uint8Array(32).fill(7).toBase64(),
  DIT_SESSION_SECRET: "a session secret of tests, longer than 32 bytes",
  HOST: "127.0.0.1",
};

/** Starts it in a folder, with nothing of this process' environment. */
export function launch(
  folder: string,
  env: Record<string, string>,
  { code = ROOT, args = [] }: { readonly code?: string | URL; readonly args?: readonly string[] } = {},
): Launched {
  const port = env.PORT ?? String(freePort());
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flagsOfTask("start", "cli/start.ts"), `${code}cli/start.ts`, ...args],
    cwd: folder,
    clearEnv: true,
    env: {
      ...keptEnvironment(),
      PATH: `${Deno.execPath().replace(/\/[^/]+$/, "")}:${Deno.env.get("PATH")}`,
      NO_COLOR: "1",
      PORT: port,
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const printed = Promise.all([new Response(launcher.stdout).text(), new Response(launcher.stderr).text()]);
  let isOver = false;
  const ended = launcher.status.then(async ({ code }) => {
    isOver = true;
    return { code, printed: (await printed).join("") };
  });
  const url = `http://127.0.0.1:${port}`;
  const services = async () =>
    (await ps("--ppid", String(launcher.pid), "-o", "pid=")).split("\n").map(Number).filter((pid) =>
      pid !== 0
    );
  return {
    url,
    launcher,
    ended,
    services,
    async service() {
      const [pid, ...more] = await services();
      if (pid === undefined || more.length > 0) {
        throw new Error("The launcher has another child");
      }
      return pid;
    },
    async ready() {
      const startedAt = performance.now();
      while (!await isReady(url)) {
        if (isOver) throw new Error(`The launcher ended: ${JSON.stringify(await ended)}`);
        if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`nothing is ready at ${url}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async [Symbol.asyncDispose]() {
      if (!isOver) launcher.kill("SIGTERM");
      await ended;
    },
  };
}

/** Waits until a process has ended, whether or not anybody has asked how. */
export async function gone(pid: number): Promise<void> {
  while (await runs(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function runs(pid: number): Promise<boolean> {
  const state = await ps("-p", String(pid), "-o", "stat=");
  return state !== "" && !state.startsWith("Z");
}

/** What `ps` prints. */
export async function ps(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("ps", { args }).output();
  return new TextDecoder().decode(stdout).trim();
}
