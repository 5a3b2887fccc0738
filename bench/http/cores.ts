/**
 * Which core does what: the server that is measured has one, the load generator the other, so that neither takes time from
 * the other. Where there is no `taskset` (util-linux) or only one core, they share what there is, and the bench says so.
 *
 * @module
 */

/** The core of what is measured, and the core of what measures. */
const [SERVER, GENERATOR] = [0, 1];

function taskset(...args: string[]): boolean {
  try {
    return new Deno.Command("taskset", { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Whether what is measured has a core of its own. */
export const PINNED: boolean = navigator.hardwareConcurrency > 1 && taskset("-V");

/** The command that runs another one on the core of what is measured. */
export function onServerCore(command: readonly string[]): string[] {
  return PINNED ? ["taskset", "-c", `${SERVER}`, ...command] : [...command];
}

/** Moves this process, with all its threads, to the core of what measures. What it starts later is there as well. */
export function moveToGeneratorCore(): void {
  if (PINNED && !taskset("-a", "-cp", `${GENERATOR}`, `${Deno.pid}`)) {
    throw new Error("taskset could not move the load generator to its core");
  }
}

/** What a table says about it. */
export const CORES: string = PINNED
  ? "the server on one core, the load generator on the other"
  : "no taskset or no second core: the server and the load generator share what there is";
