import { cpus } from "node:os";

/** What a table of measurements has to say about where and when it was made. */
export function environment(): string {
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return [
    new Date().toISOString().slice(0, 16).replace("T", " ") + " UTC",
    `Deno ${Deno.version.deno} (V8 ${Deno.version.v8})`,
    `${Deno.build.os} ${Deno.build.arch}`,
    `${navigator.hardwareConcurrency} cores (${cpus()[0]?.model ?? "unnamed"})`,
    `${memory} GiB`,
    `load ${Deno.loadavg()[0]!.toFixed(2)}`,
  ].join(", ");
}
