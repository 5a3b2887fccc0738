// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task version`: the version of this program, and the format of the stores that it writes.
 *
 * @module
 */
import { VERSION } from "../boot/version.ts";
import { STORE_FORMAT } from "../core/operations/store_format.ts";
import { runCommand } from "./command.ts";

await runCommand({
  use: "Use: deno task version",
  options: {},
  work() {
    console.log(`${VERSION} (store format ${STORE_FORMAT.number})`);
    return Promise.resolve();
  },
});
