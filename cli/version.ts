// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task version`: the version of this program, and the format of the stores that it writes.
 *
 * @module
 */
import { VERSION } from "../boot/version.ts";
import { STORE_FORMAT } from "../core/operations/store_format.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { JSON_OUTPUT } from "./options.ts";
import { printJson } from "./output.ts";

await runCommand({
  name: "version",
  help: "Prints the version of this program.",
  subcommands: {
    "": subcommand({
      help: "Prints the version of this program and the format of the stores that it writes.",
      options: { json: JSON_OUTPUT },
      work({ json }) {
        if (json) printJson({ version: VERSION, storeFormat: STORE_FORMAT.number });
        else console.log(`${VERSION} (store format ${STORE_FORMAT.number})`);
      },
    }),
  },
});
