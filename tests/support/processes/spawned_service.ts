/**
 * The service as a process of its own, started as in production, for tests that kill it, starve it or load it.
 *
 * @module
 */
import configuration from "../../../deno.json" with { type: "json" };
import { runFlags, taskVariables } from "../../../cli/cluster/service_process.ts";
import type { AuditReport } from "../../../core/jobs/reconciliation.ts";
import { formatDay } from "../../../core/base/time.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { freePort } from "./free_ports.ts";
import { TOKEN } from "../store/with_kv_endpoint.ts";

const ADMIN_TOKEN = "admin-token-of-fault-tests";
const ROOT = new URL("../../../", import.meta.url);

/** The secret with which tests sign sessions. */
export const SESSION_SECRET = "a session secret of tests, longer than 32 bytes";

/** How a service is spawned. */
export interface SpawnOptions {
  /** A folder of its own: where its file is, if it has one. */
  readonly folder: string;
  /** `DIT_KV`; a file in the folder by default. */
  readonly kv?: string;
  /** The port; a free one by default. */
  readonly port?: number;
  /** More variables. */
  readonly env?: Record<string, string>;
  /** The module to run, from the root of the repository; main.ts by default. */
  readonly module?: string;
  /** Put before the command, such as a limit on resources. */
  readonly wrap?: (command: string[]) => string[];
}

/** A running process of the service. */
export interface SpawnedService {
  readonly url: string;
  readonly port: number;
  readonly child: Deno.ChildProcess;
  /** All that it has written so far, both streams. */
  readonly output: () => string;
  /** Sends a line to its standard input. */
  readonly say: (line: string) => Promise<void>;
  /** Resolves when it answers requests; nobody asks it before this is read. */
  readonly ready: Promise<void>;
  /** Its end. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Ends it with a signal and waits for its end. */
  readonly end: (signal: Deno.Signal) => Promise<Deno.CommandStatus>;
}

/** Starts a service; wait for `ready` before using it. */
export function spawnService(options: SpawnOptions): SpawnedService {
  const { folder, module = "main.ts" } = options;
  const port = options.port ?? freePort();
  const flags = runFlags(configuration.tasks.start.command, "main.ts").filter((flag) =>
    !flag.startsWith("--allow-read") && !flag.startsWith("--allow-write")
  );
  const command = [
    Deno.execPath(),
    "run",
    "--no-check",
    "--no-prompt",
    `--config=${new URL("deno.json", ROOT).pathname}`,
    ...flags,
    "--allow-read",
    `--allow-write=${folder}`,
    new URL(module, ROOT).pathname,
  ];
  const [program, ...args] = options.wrap?.(command) ?? command;
  const child = new Deno.Command(program!, {
    args,
    cwd: folder,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: {
      ...taskVariables(configuration.tasks.start.command),
      NO_COLOR: "1",
      PORT: String(port),
      HOST: "127.0.0.1",
      DIT_ENV: "production",
      DIT_KV: options.kv ?? `${folder}/kv.sqlite3`,
      DIT_CONFIG: new URL("tests/faults/config.ts", ROOT).pathname,
      DIT_SEAL_KEYS: new Uint8Array(32).fill(9).toBase64(),
      DIT_SESSION_SECRET: SESSION_SECRET,
      DIT_ADMIN_TOKEN_SHA256: tokenDigest(ADMIN_TOKEN).toHex(),
      DIT_THROTTLE: "1000000",
      DENO_KV_ACCESS_TOKEN: TOKEN,
      ...options.env,
    },
  }).spawn();
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  const collected = [collect(child.stdout), collect(child.stderr)];
  const url = `http://127.0.0.1:${port}`;
  const input = child.stdin.getWriter();
  const ended = (async () => {
    const status = await child.status;
    await Promise.all(collected);
    await input.close().catch(() => {});
    return status;
  })();
  let ready: Promise<void> | undefined;
  return {
    url,
    port,
    child,
    output: () => output,
    say: (line) => input.write(new TextEncoder().encode(line + "\n")),
    get ready() {
      return ready ??= waitUntilReady(url, ended, () => output);
    },
    ended,
    async end(signal) {
      try {
        child.kill(signal);
      } catch {
        // It has ended already.
      }
      return await ended;
    },
  };
}

async function waitUntilReady(
  url: string,
  ended: Promise<Deno.CommandStatus>,
  output: () => string,
): Promise<void> {
  let over = false;
  ended.then(() => over = true);
  for (const startedAt = performance.now(); performance.now() - startedAt < 120_000;) {
    if (over) throw new Error(`The service ended at its start:\n${output()}`);
    try {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The service was not ready in two minutes:\n${output()}`);
}

/** Calls the admin API of a service. */
export async function callAdmin(
  service: SpawnedService,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const response = await fetch(service.url + path, {
    ...init,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  if (response.ok) return response;
  throw new Error(`${path} was answered ${response.status}: ${await response.text()}`);
}

/** Lets a service audit its store. */
export async function audit(service: SpawnedService): Promise<AuditReport> {
  return await (await callAdmin(service, "/admin/v1/audit", { method: "POST" })).json();
}

/** The pseudonyms of all records that a service exports, from a day before today to a day after. */
export async function exportPseudonyms(service: SpawnedService): Promise<string[]> {
  const pseudonyms: string[] = [];
  const today = Math.floor(Date.now() / 86_400_000);
  for (const day of [today - 1, today, today + 1]) {
    const response = await callAdmin(service, `/admin/v1/apps/load/logs/${formatDay(day)}`);
    for (const line of (await response.text()).split("\n")) {
      if (line !== "") pseudonyms.push(JSON.parse(line).pseudonym);
    }
  }
  return pseudonyms;
}
