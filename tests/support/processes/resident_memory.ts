/** Resident memory of a process in MiB (Linux). Deno itself reads nothing below /proc unless it may do everything. */
export async function residentMiB({ child }: { readonly child: Deno.ChildProcess }): Promise<number> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${child.pid}/status`] }).output();
  const kilobytes = /VmRSS:\s+([0-9]+) kB/.exec(new TextDecoder().decode(stdout))?.[1];
  if (kilobytes === undefined) throw new Error("The process has ended.");
  return Number(kilobytes) / 1_024;
}
