// deno-lint-ignore-file no-console -- it writes lines of its own beside those of the processes.
/**
 * Several processes of the service on one port: the first starts alone, then the others; one that ends is started again,
 * and all end together.
 *
 * A process that ends before it ever listened ends the whole with its code, as long as the start of all is not over, and
 * later where no other one listens: whoever started the launcher decides then what follows. Otherwise it is tried again
 * ever more seldom, while the others go on.
 *
 * @module
 */
import { formatLine, type LineEvent } from "../log.ts";
import { numbersOf, type SharedPlace, socketOf } from "../place.ts";
import { passLines, spawnService, stopWithParent } from "./run_service.ts";
import type { ServiceCommand } from "./service_command.ts";
import { removeSocketFolder } from "./socket_folder.ts";

/** From the end of a process to its next start; twice as long after each that ends soon, up to half a minute. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** How long a process has to run until its end counts as the first. */
const CALM_MS = 60_000;
/** Between two looks for a process's socket. */
const LOOK_MS = 50;

/** Runs them until all have ended. `parent` is as for {@linkcode runService}. Gives the code to exit with. */
export async function runProcesses(command: ServiceCommand, parent?: number): Promise<number> {
  const { shared } = command;
  if (shared === undefined) throw new TypeError("Nothing is shared by one process");
  const all = new Processes(command, shared);
  const stopLooking = stopWithParent(() => all.stop(), parent);
  const code = await all.run();
  stopLooking();
  await removeSocketFolder(shared.folder);
  return code;
}

class Processes {
  readonly #command: ServiceCommand;
  readonly #shared: SharedPlace;
  readonly #running = new Map<number, Deno.ChildProcess>();
  readonly #listening = new Set<number>();
  readonly #stopping = Promise.withResolvers<void>();
  /** Those that have listened once. */
  readonly #came = new Set<number>();
  #isStopping = false;
  #code = 0;

  constructor(command: ServiceCommand, shared: SharedPlace) {
    this.#command = command;
    this.#shared = shared;
  }

  /** Tells all to end. */
  stop(): void {
    this.#isStopping = true;
    this.#stopping.resolve();
    for (const process of this.#running.values()) tellToEnd(process);
  }

  /** Runs all to their ends. */
  async run(): Promise<number> {
    const [first = 1, ...others] = numbersOf(this.#shared);
    const firstCame = Promise.withResolvers<void>();
    const keeping = [this.#keep(first, firstCame.resolve)];
    // The first makes the secrets of development and the tables of a store, and finds out what is wrong in one sentence.
    await Promise.race([firstCame.promise, this.#stopping.promise]);
    if (!this.#isStopping) keeping.push(...others.map((number) => this.#keep(number)));
    await Promise.all(keeping);
    return this.#code;
  }

  /** Runs one process again and again. */
  async #keep(number: number, onListening: () => void = () => {}): Promise<void> {
    let pauseMs = PAUSE_MS;
    for (let isFirst = number === 1; !this.#isStopping; isFirst = false) {
      const startedAt = performance.now();
      const { code, signal, hasListened } = await this.#runOnce(number, isFirst, onListening);
      if (this.#isStopping) {
        this.#code ||= code;
        return;
      }
      const isWholeStarting = this.#came.size < this.#shared.count;
      if (!hasListened && (isWholeStarting || this.#listening.size === 0)) {
        this.#code = code || 1;
        return this.stop();
      }
      if (performance.now() - startedAt >= CALM_MS) pauseMs = PAUSE_MS;
      tell("process_ended", { process: number, code, signal, startsInSeconds: pauseMs / 1_000 });
      await this.#pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      if (!this.#isStopping) tell("process_started", { process: number });
    }
  }

  async #runOnce(number: number, isFirst: boolean, onListening: () => void) {
    const before = await this.#socketMark(number);
    const { process, ended } = await spawnService(this.#command, {
      stderr: "piped",
      place: { ...this.#shared, number, isFirst },
    });
    this.#running.set(number, process);
    if (this.#isStopping) tellToEnd(process);
    const passed = passLines(process.stderr, { process: number });
    let isOver = false;
    const over = ended.finally(() => isOver = true);
    let hasListened = false;
    while (!isOver && !hasListened) {
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
      hasListened = await this.#socketMark(number) !== before;
    }
    if (hasListened) {
      this.#came.add(number);
      if (!isOver) this.#listening.add(number);
      onListening();
    }
    const { code, signal } = await ended;
    this.#listening.delete(number);
    this.#running.delete(number);
    await passed;
    return { code, signal, hasListened };
  }

  /** By which a socket of one process is told from that of the next; undefined: there is none. */
  async #socketMark(number: number): Promise<string | undefined> {
    try {
      const { ino, birthtime, mtime } = await Deno.lstat(socketOf(this.#shared, number));
      return `${ino} ${birthtime?.getTime()} ${mtime?.getTime()}`;
    } catch {
      return undefined;
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
    await Promise.race([over, this.#stopping.promise]);
    clearTimeout(timer);
  }
}

function tell(event: LineEvent, members: Record<string, unknown>): void {
  console.log(formatLine(event, members));
}

function tellToEnd(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGTERM");
  } catch {
    // It has ended already.
  }
}
