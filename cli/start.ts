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

/** Before anything else, since it may end by force at any time. */
const parent = Deno.ppid;
const warn = (sentence: string) => console.error(sentence);

await runCommand({
  use: [
    "Use: deno task start [--processes N] [--show]     for production (docs/operating.md)",
    "     deno task dev [--processes N] [--show]       for development",
    "Both start the service as its settings (PORT, DIT_KV and so on) say: N processes on one port, by default one for",
    "each core where the store takes several, and one on a file. --show prints the command of one process instead.",
  ].join("\n"),
  options: {
    show: { type: "boolean", default: false },
    processes: { type: "string" },
    // The tasks say so. Whoever starts this file by hand may go away, and leave it running.
    "ends-with-parent": { type: "boolean", default: false },
  },
  exitCode: (error) => error instanceof CommandError ? PERSONS_MISTAKE : exitCodeOf(error),
  async work({ values: { show, processes, "ends-with-parent": endsWithParent } }) {
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
  },
});
