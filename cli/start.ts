// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task start` and `deno task dev`: starts the service with exactly the permissions that its settings and its
 * configuration need. `--show` prints the command instead, one argument a line.
 *
 * @module
 */
import { processEnvironment } from "../boot/credentials.ts";
import { prepare } from "../boot/launch/prepare.ts";
import { countProcesses } from "../boot/launch/count_processes.ts";
import { runProcesses } from "../boot/launch/run_processes.ts";
import { runService } from "../boot/launch/run_service.ts";
import { makeSocketFolder } from "../boot/launch/socket_folder.ts";
import { serviceCommand } from "../boot/launch/service_command.ts";
import { exitCodeOf, PERSONS_MISTAKE } from "../boot/start_errors.ts";
import { CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import type { Values } from "./options.ts";

/** Before anything else, since it may end by force at any time. */
const parent = Deno.ppid;
const warn = (sentence: string) => console.error(sentence);

const OPTIONS = {
  processes: {
    type: "string",
    value: "N",
    help:
      "So many processes on one port: by default one for each core where the store takes several, one on a file.",
  },
  show: {
    type: "boolean",
    help: "Prints the command of one process, one argument a line, in the place of starting it.",
  },
  // The tasks say so. Whoever starts this file by hand may go away, and leave it running.
  "ends-with-parent": { type: "boolean", hidden: true, help: "Ends with the process that started this one." },
} as const;

async function start(
  { show, processes, "ends-with-parent": endsWithParent }: Values<typeof OPTIONS>,
): Promise<void> {
  const command = await serviceCommand(processEnvironment, warn, async (settings) => {
    const count = countProcesses(processes, settings, warn);
    return show || count === 1 ? undefined : { count, folder: await makeSocketFolder() };
  });
  if (show) {
    const variables = Object.entries(command.variables).map(([name, value]) => `${name}=${value}`);
    return console.log([...variables, "deno", ...command.args].join("\n"));
  }
  await prepare(command, warn);
  const watched = endsWithParent ? parent : undefined;
  Deno.exit(await (command.shared === undefined ? runService : runProcesses)(command, watched));
}

await runCommand({
  name: Deno.env.get("DIT_ENV") === "development" ? "dev" : "start",
  help: "Starts the service.",
  subcommands: {
    "": subcommand({
      help:
        "Starts the service as its settings (PORT, DIT_KV and so on) say, with exactly the permissions that it needs: " +
        "deno task start for production, deno task dev for development.",
      options: OPTIONS,
      work: start,
    }),
  },
  exitCode: (error) => error instanceof CommandError ? PERSONS_MISTAKE : exitCodeOf(error),
});
