// deno-lint-ignore-file no-console -- it passes on what the service writes.
/**
 * The service as the child of a process that started it: signals reach it, its exit code is passed on, and it ends when
 * that process has ended, however that came; and where that one was told whose child it is, both end with their parent.
 *
 * @module
 */
import { formatLine } from "../log.ts";
import { type Place, placeArguments } from "../place.ts";
import { readRuntimeLines } from "../runtime_lines.ts";
import { ENDS_WITH_STDIN } from "../shutdown.ts";
import { handOn } from "./environment.ts";
import { denoProgram } from "./run_deno.ts";
import type { ServiceCommand } from "./service_command.ts";

/** How a child is started. */
export interface SpawnOptions extends Pick<Deno.CommandOptions, "stdout" | "stderr"> {
  /** Variables that come before those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Its place among several on one port. */
  readonly place?: Place | undefined;
}

/** A child. */
export interface ServiceChild {
  /** The process. */
  readonly process: Deno.ChildProcess;
  /** Its end. */
  readonly ended: Promise<Deno.CommandStatus>;
}

/** Starts the service. */
export async function spawnService(
  { args, variables, asks }: ServiceCommand,
  { env = {}, place, stdout = "inherit", stderr = "inherit" }: SpawnOptions = {},
): Promise<ServiceChild> {
  const process = new Deno.Command(await denoProgram(), {
    args: [...args, ENDS_WITH_STDIN, ...place === undefined ? [] : placeArguments(place)],
    clearEnv: true,
    env: { ...handOn(Deno.env.toObject(), "service", asks), ...env, ...variables },
    // It never gets a byte. The system closes it when this process ends, even by a signal that nobody can catch.
    stdin: "piped",
    stdout,
    stderr,
    // Ctrl-C in a terminal reaches a whole group: the service is told once, by us.
    detached: true,
  }).spawn();
  return { process, ended: process.status };
}

/** Milliseconds between two looks for the parent. */
const LOOK_MS = 1_000;

/** Calls `stop` when this process is told to end, and when its `parent` has. Gives the function that ends the looking. */
export function stopWithParent(stop: () => void, parent: number | undefined): () => void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, stop);
  const looking = setInterval(() => parent === undefined || Deno.ppid === parent || stop(), LOOK_MS);
  return () => clearInterval(looking);
}

/**
 * Runs the service until it ends. `parent` is the process that has started this one: where it is given, the service is
 * told to end when that one has, which no signal tells where it was ended by force. Gives the code to exit with.
 */
export async function runService(command: ServiceCommand, parent?: number): Promise<number> {
  // On a file the runtime has nothing to say that this process would have to see first.
  const isFiltered = command.storeFile === undefined;
  const { process, ended } = await spawnService(command, { stderr: isFiltered ? "piped" : "inherit" });
  const stop = () => {
    try {
      process.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  const stopLooking = stopWithParent(stop, parent);
  if (isFiltered) await passLines(process.stderr, {});
  const { code } = await ended;
  stopLooking();
  return code;
}

/** Writes what the service writes to stderr, but for lines with the store's URL; `own` are members of those of this process. */
export async function passLines(
  stderr: ReadableStream<Uint8Array<ArrayBuffer>>,
  own: Readonly<Record<string, unknown>>,
): Promise<void> {
  const take = readRuntimeLines({
    pass: (line) => console.error(line),
    tell: (line) => console.log(formatLine("store_client", { ...own, ...line })),
  });
  let rest = "";
  for await (const text of stderr.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
}
