/**
 * Load over kept connections: as fast as the server answers, or at a given rate.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { WireConnection } from "./wire_connection.ts";

/** What came of a load. Times in milliseconds. */
export interface LoadResult {
  /** Requests that were answered with 200. */
  readonly accepted: number;
  /** Requests a second. */
  readonly perSecond: number;
  /** Milliseconds of CPU that the server's process spent on one request, in all its threads. */
  readonly serverCpuMs: number;
  /** Milliseconds of CPU that the load generator spent on one request. */
  readonly generatorCpuMs: number;
  /** How long it took. */
  readonly seconds: number;
  /** Latencies, sorted; at a given rate from the moment at which a request was due. */
  readonly latencies: readonly number[];
}

/** How a load is made. */
export interface LoadOptions {
  /** The server's port. */
  readonly port: number;
  /** The server's process, whose CPU is read. */
  readonly pid: number;
  /** The requests, each sent once. */
  readonly requests: readonly Uint8Array[];
  /** Connections. */
  readonly connections: number;
  /** Requests a second; as fast as possible when absent. */
  readonly rate?: number | undefined;
  /** Whether an answer of 200 says that all went well; it does by default. */
  readonly isWell?: ((body: Uint8Array) => boolean) | undefined;
}

/** Sends every request once. Throws when one is not answered with 200. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { port, pid, requests, connections, rate, isWell = () => true } = options;
  const wires = await Promise.all(Array.from({ length: connections }, () => WireConnection.open(port)));
  const latencies: number[] = [];
  let next = 0;
  const [cpuBefore, ownBefore] = [cpuMs(pid), cpuUsage()];
  const startedAt = performance.now();
  const work = async (wire: WireConnection) => {
    while (next < requests.length) {
      const index = next++;
      const dueAt = rate === undefined ? performance.now() : startedAt + index * 1_000 / rate;
      const wait = dueAt - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const { status, body } = await wire.exchange(requests[index]!);
      if (status !== 200 || !isWell(body)) {
        throw new Error(`Answered ${status}: ${new TextDecoder().decode(body)}`);
      }
      latencies.push(performance.now() - dueAt);
    }
  };
  await Promise.all(wires.map(work));
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = cpuMs(pid) - cpuBefore;
  const own = cpuUsage(ownBefore);
  for (const wire of wires) wire.close();
  return {
    accepted: requests.length,
    perSecond: requests.length / seconds,
    serverCpuMs: cpu / requests.length,
    generatorCpuMs: (own.user + own.system) / 1_000 / requests.length,
    seconds,
    latencies: latencies.toSorted((a, b) => a - b),
  };
}

/** CPU time of a process in milliseconds, from Linux's /proc (ticks of 10 ms); NaN elsewhere. */
export function cpuMs(pid: number): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}

/** Resident memory of a process in MiB, from Linux's /proc; NaN elsewhere. */
export function residentMiB(pid: number): number {
  try {
    return Number(/VmRSS:\s+([0-9]+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1_024;
  } catch {
    return NaN;
  }
}

/** The value below which a share of sorted numbers lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
