import type { Cluster } from "../../tests/support/postgres/cluster.ts";

/** Milliseconds of a tick of /proc. */
const TICK_MS = 10;

/** CPU that a PostgreSQL server has spent so far, in milliseconds: of all its processes, also those that have ended. */
export async function clusterCpuMs(cluster: Cluster): Promise<number> {
  const parent = await cluster.pid();
  const { stdout } = await new Deno.Command("pgrep", { args: ["-P", `${parent}`] }).output();
  const children = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
  const ticks = [parent, ...children].map((pid) => {
    // utime, stime, and those of the children that it has waited for.
    const counted = pid === parent ? [11, 12, 13, 14] : [11, 12];
    const fields = readStat(pid);
    return counted.reduce((sum, at) => sum + Number(fields[at] ?? 0), 0);
  });
  return ticks.reduce((sum, value) => sum + value, 0) * TICK_MS;
}

function readStat(pid: number): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  } catch {
    // It has just ended, and counts as waited for the next time.
    return [];
  }
}
