/**
 * A command that runs several processes of the service, such as dev:cluster, with the permissions that its task gives it.
 *
 * @module
 */
import { assert } from "@std/assert";
import { flagsOfTask } from "./task_flags.ts";

const ROOT = new URL("../../../", import.meta.url);

/** A running command. */
export interface MembersCommand {
  /** All that it has printed so far. */
  readonly printed: () => string;
  /** Waits until it has printed this. */
  readonly prints: (text: string) => Promise<void>;
  /** Interrupts it, and waits for its end and its last line. Gives its exit code. */
  readonly interrupt: () => Promise<number>;
}

/** How such a command is started. */
export interface MembersOptions {
  /** The task's name. */
  readonly task: "dev:cluster" | "dev:regions";
  /** The script of the task. */
  readonly script: string;
  /** Where it is started. */
  readonly folder: string;
  /** The ports of its processes. */
  readonly ports: readonly number[];
  /** Variables besides those of this process. */
  readonly env?: Record<string, string>;
}

/** Starts the script of a task. */
export function startMembers({ task, script, folder, ports, env }: MembersOptions): MembersCommand {
  const command = new Deno.Command("deno", {
    args: [
      "run",
      ...flagsOfTask(task, script)
        .map((flag) => flag.replace("--config=", `--config=${ROOT.pathname}`)),
      new URL(script, ROOT).href,
      `--ports=${ports}`,
    ],
    cwd: folder,
    ...env === undefined ? {} : { env },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let printed = "";
  const reading = (async () => {
    for await (const text of command.stdout.pipeThrough(new TextDecoderStream())) printed += text;
  })();
  return {
    printed: () => printed,
    async prints(text) {
      for (let attempt = 0; !printed.includes(text); attempt++) {
        assert(attempt < 2_400, `"${text}" was never printed:\n${printed}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async interrupt() {
      try {
        command.kill("SIGINT");
      } catch {
        // It has ended too early, which its code shows.
      }
      const { code } = await command.status;
      await reading;
      return code;
    },
  };
}
