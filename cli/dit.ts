// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task -q dit COMMAND ...`: runs a command of an operator as `deno task COMMAND ...` does, with the permissions of
 * its task, and shows nothing of how it is started.
 *
 * @module
 */
import { EXIT } from "./command.ts";

/** What a task's description starts with, where it is an operator's command. */
const OPERATE = "Operate: ";

/** The operators' commands with what they are for, from the tasks of deno.json. */
async function readCommands(): Promise<Map<string, string>> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url))) as {
    tasks: Record<string, { description?: string }>;
  };
  return new Map(
    Object.entries(tasks).flatMap(([name, { description = "" }]) =>
      description.startsWith(OPERATE) && name !== "dit" ? [[name, description.slice(OPERATE.length)]] : []
    ),
  );
}

/** Runs a task to its end, with the terminal of this process. Gives its exit code. */
async function runTask(name: string, args: readonly string[]): Promise<number> {
  const child = new Deno.Command("deno", { args: ["task", "--quiet", name, ...args] }).spawn();
  // Ctrl-C reaches both: the command ends as it does by itself, and this process after it.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
  return (await child.status).code;
}

const [name, ...args] = Deno.args;
const commands = await readCommands();
if (name === undefined || name === "--help" || name === "-h") {
  const width = Math.max(...[...commands.keys()].map(({ length }) => length));
  console.log("Usage: deno task -q dit COMMAND [options]\n");
  for (const [command, what] of commands) console.log(`  ${command.padEnd(width)}  ${what}`);
  console.log("\ndeno task -q dit COMMAND --help explains each. Exit codes: those of the command.");
} else if (commands.has(name)) {
  Deno.exit(await runTask(name, args));
} else {
  console.error(
    `Unknown command ${JSON.stringify(name)}: there are ${[...commands.keys()].join(", ")}. ` +
      "deno task -q dit --help explains them.",
  );
  Deno.exit(EXIT.usage);
}
