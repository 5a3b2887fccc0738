/**
 * The peer without privacy: an OpenTelemetry Collector (bench/peers/collector), built here in Go, that takes the same events
 * as OTLP over HTTP and writes them to a file.
 *
 * @module
 */
import { postRequest } from "./wire_connection.ts";
import { type ServerProcess, startServer } from "./server_process.ts";

const SOURCE = new URL("../peers/collector/", import.meta.url);
const FILES = ["main.go", "go.mod", "go.sum"];

/** A Collector's program, or why there is none. */
export type BuiltCollector = { readonly program: string } | { readonly missing: string };

/** Builds it, once for each state of its source: about 80 s, and some 600 MB in Go's own caches. */
export async function buildCollector(): Promise<BuiltCollector> {
  try {
    await new Deno.Command("go", { args: ["version"], stdout: "null" }).output();
  } catch {
    return { missing: "there is no Go on this machine (Debian: apt-get install golang-go)" };
  }
  const sources = await Promise.all(FILES.map((name) => Deno.readTextFile(new URL(name, SOURCE))));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sources.join("\n")));
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const program = `${cache}/dit-bench/collector-${new Uint8Array(digest).toHex().slice(0, 16)}`;
  if (await Deno.stat(program).then(() => true, () => false)) return { program };
  // Nobody shall find a program that is half written.
  const made = `${program}.${Deno.pid}`;
  const { success, stderr } = await new Deno.Command("go", {
    args: ["build", "-trimpath", "-ldflags=-s", "-o", made, "."],
    cwd: SOURCE,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) return { missing: `Go did not build it: ${new TextDecoder().decode(stderr).split("\n")[0]}` };
  await Deno.rename(made, program);
  return { program };
}

/** Starts it; what it takes goes to a file in a folder. */
export function startCollector(program: string, folder: string): Promise<ServerProcess> {
  return startServer("The Collector", (port) => ({
    command: [program, `--config=${new URL("config.yaml", SOURCE).pathname}`],
    env: { COLLECTOR_PORT: `${port}`, COLLECTOR_FILE: `${folder}/collector.json` },
  }));
}

/** The event that `signLog` sends, as an exporter of OpenTelemetry would: its own fields and its client's pseudonym. */
export function otlpRequest(pseudonym: string, atMilliseconds: number): Uint8Array {
  const attributes = [
    { key: "pseudonym", value: { stringValue: pseudonym } },
    { key: "ok", value: { boolValue: true } },
    { key: "latency_ms", value: { intValue: "1" } },
  ];
  const record = { timeUnixNano: `${atMilliseconds}000000`, eventName: "ping", attributes };
  const body = {
    resourceLogs: [{ resource: { attributes: [] }, scopeLogs: [{ scope: {}, logRecords: [record] }] }],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return postRequest("/v1/logs", { "content-type": "application/json" }, bytes);
}
