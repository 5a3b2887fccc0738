/**
 * The service in development, and the commands beside it, as `deno task` runs them, with what tests ask of both.
 *
 * @module
 */
import { keptEnvironment, type RunningService, type RunOptions, runService } from "./running_service.ts";
import { flagsOfTask, type TaskName } from "./task_flags.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** Runs a script of the repository in a folder, with the flags that its task gives it, to its end. */
export async function runTask(
  task: TaskName,
  script: string,
  args: string[],
  folder: string,
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", ...flagsOfTask(task, script), ROOT + script, ...args],
    cwd: folder,
    clearEnv: true,
    env: { ...keptEnvironment(), NO_COLOR: "1", ...env },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Runs a script that the launcher runs before the service, as it does. */
export async function runApart(
  script: "cli/vacuum.ts" | "cli/bundle_client.ts",
  folder: string,
  argument: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "--unstable-bundle", "--allow-all"],
      `--config=${ROOT}deno.json`,
      ROOT + script,
      argument,
    ],
    cwd: folder,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Vacuums and starts the service as `deno task dev` does, and waits until it listens, or has ended. */
export async function startProcess(options: RunOptions): Promise<RunningService> {
  await runApart("cli/vacuum.ts", options.folder, options.env?.DIT_KV ?? ".dit/kv.sqlite3");
  const service = runService(options);
  await Promise.race([service.until("listening").catch(() => {}), service.ended]);
  return service;
}

/** As {@linkcode startProcess}, and waits until it can do its work. */
export async function startReady(options: RunOptions): Promise<RunningService> {
  const service = await startProcess(options);
  await service.ready();
  return service;
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
