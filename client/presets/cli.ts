/**
 * Telemetry of a command line program, for Node, Deno and Bun: its user is told once, can turn it off, and never waits for
 * it. An entry point of its own: browsers have no files.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import process from "node:process";
import { OPT_OUT_SIGNALS, signalSet } from "../base/signals.ts";
import type { Fetch, SessionSource } from "../base/types.ts";
import { DitClient, type UntypedEvents } from "../client.ts";
import { apart } from "../http/connections.ts";
import type { ClientOptions } from "../options.ts";
import { FileStorage } from "../storage/file.ts";
import type { ClientStorage, Entries } from "../storage/storage.ts";
import { noticeOf, wasTold } from "./notice.ts";

/** Milliseconds for which a program that ends waits for what it sends. */
const END_MILLISECONDS = 300;
/** The last of them, in which what was not sent is stored. */
const STORE_MILLISECONDS = 50;

/** How the telemetry of a program is made: as any client, and what its user has to know. */
export type CliOptions = Omit<ClientOptions, "storage" | "consent"> & {
  /** Where tokens, queue and the user's choice stay, a folder of the program's own; it is made when it is needed. */
  readonly folder: string;
  /** The program, as a person types it. */
  readonly program: string;
  /** What is collected, in words that end the sentence "It collects ...". Where they change, the user is told again. */
  readonly collects: string;
  /** Where there is more to read. */
  readonly moreAt?: string | undefined;
  /** A sentence on what else turns telemetry off: "`tool telemetry off` turns it off for good.". */
  readonly turnOff?: string | undefined;
  /** The flag that turns telemetry off for one run; `--no-telemetry` by default. */
  readonly flag?: string | undefined;
  /** The arguments of the run; those of the process by default. What comes after `--` is not looked at. */
  readonly args?: readonly string[] | undefined;
};

/** The telemetry of one run of a program. */
export interface CliTelemetry<Events = UntypedEvents> {
  /**
   * Logs. `setOptOut()` is for a command of the program that turns telemetry off and on for good. In a run that collects
   * nothing it drops what is logged.
   */
  readonly client: DitClient<Events>;
  /** Sends what was logged for 0.3 seconds at most. What has not arrived by then stays in the folder for the next run. */
  end(): Promise<void>;
}

/**
 * Starts the telemetry of one run. Nothing is collected in the first one, in which the user is told on stderr; nor with
 * `--no-telemetry`, `DO_NOT_TRACK` or `DIT_OPT_OUT`; nor where the folder cannot be written. Nothing is written to the
 * console unless `debug` says so: stderr is the program's.
 *
 * @throws {TypeError} If an option makes no sense: the program's author sees it at the first run.
 *
 * @example
 * ```ts ignore
 * import { cliTelemetry } from "@dit/service/cli";
 *
 * const { client, end } = cliTelemetry({
 *   endpoint: "https://telemetry.example", app: "demo", session,
 *   program: "demo", folder: `${homedir()}/.config/demo`, collects: "which commands run, and whether they fail",
 * });
 * client.log("command_run", { command: "build", ok: true });
 * await end();
 * ```
 */
export function cliTelemetry<Events = UntypedEvents>(options: CliOptions): CliTelemetry<Events> {
  const { folder, flag = "--no-telemetry", args = process.argv.slice(2) } = options;
  const isOff = isGiven(flag, args) ||
    signalSet(options.optOutSignals ?? OPT_OUT_SIGNALS) !== undefined ||
    !wasTold(folder, noticeOf({ ...options, flag }));
  const ending = new Ending();
  const client = new DitClient<Events>({
    debug: false,
    ...options as ClientOptions,
    storage: new FolderStorage(folder),
    consent: isOff ? "required" : "given",
    session: ending.session(options.session),
    fetch: ending.reach(apart(options.fetch)),
  });
  let ended: Promise<void> | undefined;
  const end = () => ended ??= endOf(client, ending);
  // A program that forgot to end it, and has nothing else to do.
  process.once("beforeExit", end);
  return { client, end };
}

async function endOf<Events>(client: DitClient<Events>, ending: Ending): Promise<void> {
  await within(END_MILLISECONDS - STORE_MILLISECONDS, client.flush());
  // A request would keep the process alive. What is bound is sent with the same bytes by the next run.
  ending.cut();
  await within(STORE_MILLISECONDS, client.close());
}

/** Whether a flag is among the arguments that are the program's own. */
function isGiven(flag: string, args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes(flag);
}

/** Waits for work, but not for long. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await Promise.race([work, end]);
  clearTimeout(timer);
}

/** Ends what is on its way when the program ends. */
class Ending {
  readonly #end = new AbortController();
  readonly #ended = new Promise<never>((_, reject) => {
    this.#end.signal.addEventListener("abort", reject);
  });

  /** Nothing ends yet. */
  constructor() {
    this.#ended.catch(() => {});
  }

  /** A `fetch` that ends with the program. */
  reach(own: Fetch): Fetch {
    return (url, init) => {
      const signals = init.signal ? [init.signal, this.#end.signal] : [this.#end.signal];
      return own(url, { ...init, signal: AbortSignal.any(signals) });
    };
  }

  /** A session that nobody waits for when the program ends. */
  session(session: SessionSource): SessionSource {
    return (request) => Promise.race([session(request), this.#ended]);
  }

  /** The program ends. */
  cut(): void {
    this.#end.abort();
  }
}

/** A file in a folder that is made with the first thing that is stored. */
class FolderStorage implements ClientStorage {
  readonly #folder: string;
  readonly #file: FileStorage;

  /** Touches nothing yet. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#file = new FileStorage(`${folder}/telemetry.json`);
  }

  async transaction<T>(body: (entries: Entries) => T): Promise<T> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return await this.#file.transaction(body);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
