/**
 * The service as a process of its own, started as in production, for tests that kill it, starve it or load it.
 *
 * @module
 */
import type { AuditReport } from "../../../core/jobs/reconciliation.ts";
import { formatDay } from "../../../core/base/time.ts";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { type RunningService, type RunOptions, runService } from "./running_service.ts";
import { TOKEN } from "../store/with_kv_endpoint.ts";

const ADMIN_TOKEN = "admin-token-of-fault-tests";
const ROOT = new URL("../../../", import.meta.url);

/** The secret with which tests sign sessions. */
export const SESSION_SECRET = "a session secret of tests, longer than 32 bytes";

/** How a service is spawned. */
export interface SpawnOptions extends Pick<RunOptions, "folder" | "port" | "env" | "wrap"> {
  /** `DIT_KV`; a file in the folder by default. */
  readonly kv?: string;
  /** The module to run, from the root of the repository; main.ts by default. */
  readonly module?: string;
}

/** Starts a service as in production; wait for `ready` before using it. */
export function spawnService({ folder, port, env, wrap, kv, module }: SpawnOptions): RunningService {
  return runService({
    folder,
    task: "start",
    port,
    wrap,
    module: module === undefined ? undefined : new URL(module, ROOT),
    // Its configuration is the repository's, and its file may lie anywhere in its folder. What a module of tests is told
    // by the environment, the launcher does not know of.
    flags: (flags) => [
      ...flags.filter((flag) => !/^--allow-(?:read|write)/.test(flag)),
      ...Object.keys(env ?? {}).map((name) => `--allow-env=${name}`),
      `--config=${new URL("deno.json", ROOT).pathname}`,
      "--allow-read",
      `--allow-write=${folder}`,
    ],
    env: {
      HOST: "127.0.0.1",
      DIT_ENV: "production",
      DIT_KV: kv ?? `${folder}/kv.sqlite3`,
      DIT_CONFIG: new URL("tests/faults/config.ts", ROOT).pathname,
      DIT_SEAL_KEYS: new Uint8Array(32).fill(9).toBase64(),
      DIT_SESSION_SECRET: SESSION_SECRET,
      DIT_ADMIN_TOKEN_SHA256: tokenDigest(ADMIN_TOKEN).toHex(),
      DIT_THROTTLE: "1000000",
      DENO_KV_ACCESS_TOKEN: TOKEN,
      ...env,
    },
  });
}

/** Calls the admin API of a service. */
export async function callAdmin(
  service: RunningService,
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
export async function audit(service: RunningService): Promise<AuditReport> {
  return await (await callAdmin(service, "/admin/v1/audit", { method: "POST" })).json();
}

/** By which a log of a test is known among the records: its pseudonym and its mark, if it has one. */
export function idOf(pseudonym: string, fields: Readonly<Record<string, unknown>>): string {
  return `${pseudonym} ${fields.mark}`;
}

/** The ids of all records that a service exports, from a day before today to a day after. */
export async function exportIds(service: RunningService): Promise<string[]> {
  const ids: string[] = [];
  const today = Math.floor(Date.now() / 86_400_000);
  for (const day of [today - 1, today, today + 1]) {
    const response = await callAdmin(service, `/admin/v1/apps/load/logs/${formatDay(day)}`);
    for (const line of (await response.text()).split("\n")) {
      if (line === "") continue;
      const { pseudonym, events: [event] } = JSON.parse(line);
      ids.push(idOf(pseudonym, event.fields));
    }
  }
  return ids;
}
