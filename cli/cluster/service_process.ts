/**
 * Starts the service for development as a process of its own, with just the permissions that it needs.
 *
 * @module
 */
import { processEnvironment } from "../../boot/credentials.ts";
import { LaunchError } from "../../boot/launch_error.ts";
import { type ServiceChild, type SpawnOptions, spawnService } from "../../boot/launch/run_service.ts";
import { serviceCommand } from "../../boot/launch/service_command.ts";

/** How {@linkcode spawnMain} starts a service. */
interface MainOptions extends SpawnOptions {
  readonly port: number;
}

/** A development service's process. It ends with this one. */
export async function spawnMain({ port, env, ...output }: MainOptions): Promise<ServiceChild> {
  const own: Record<string, string> = { ...env, DIT_ENV: "development", PORT: `${port}` };
  const command = await serviceCommand((name) => own[name] ?? processEnvironment(name), () => {});
  return await spawnService(command, { env: own, ...output });
}

/** A running service. */
export interface ServiceProcess {
  /** Where it answers. */
  readonly url: string;
  /** Settles when it has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Tells it to stop and waits for its end. */
  stop(): Promise<Deno.CommandStatus>;
}

/** Milliseconds in which a service becomes ready, on a machine that does much else. */
const PATIENCE_MS = 120_000;

/** How a service is started. */
export interface ServiceProcessOptions {
  /** The port; a free one by default. */
  readonly port?: number;
  /** Variables besides those of `deno task dev`. */
  readonly env?: Record<string, string>;
}

/**
 * Starts a service and waits until it is ready.
 * @throws {LaunchError} With what it said, if it ends instead, or does not become ready.
 */
export async function startService(options: ServiceProcessOptions = {}): Promise<ServiceProcess> {
  const port = options.port ?? portOfNow();
  const url = `http://localhost:${port}`;
  const { process, ended } = await spawnMain({ port, env: options.env, stdout: "null", stderr: "piped" });
  const complaint = new Response(process.stderr).text();
  let isOver = false;
  ended.then(() => isOver = true);
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!await isReady(url)) {
    if (!isOver && performance.now() > giveUpAt) {
      process.kill("SIGTERM");
      await ended;
      throw new LaunchError(`The service on port ${port} did not become ready: try another port.`);
    }
    if (isOver) {
      throw new LaunchError(`The service did not start on port ${port}:\n${(await complaint).trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    ended,
    stop: async () => {
      if (!isOver) process.kill("SIGTERM");
      return await ended;
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
