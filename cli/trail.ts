// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task trail` shows what operators did and attempted, newest first, and whether the audit log is as it was written.
 * Ends with exit code 3 when it is not.
 *
 * @module
 */
import type { AuditEntry } from "../core/operations/audit_log.ts";
import { callAdmin } from "./admin_api.ts";
import { EXIT, runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { JSON_OUTPUT } from "./options.ts";
import { printJson } from "./output.ts";
import { trailLines } from "./trail_lines.ts";

/** What `GET /admin/v1/trail` answers. */
interface Trail {
  readonly intact: boolean;
  readonly entries?: number;
  readonly at?: number;
  readonly latest: readonly AuditEntry[];
}

await runCommand({
  name: "trail",
  help: "Shows the audit log.",
  subcommands: {
    "": subcommand({
      help:
        "Shows what operators did and attempted, newest first, and whether the audit log is as it was written.",
      options: { json: JSON_OUTPUT },
      found: "somebody changed the audit log",
      async work({ json }) {
        const trail = await (await callAdmin("/admin/v1/trail")).json() as Trail;
        const { intact, entries, at, latest } = trail;
        if (json) printJson(trail);
        else {
          for (const line of trailLines(latest)) console.log(line);
          console.log(
            intact
              ? `The audit log is as it was written: ${entries} entries.`
              : `Somebody changed the store: the audit log does not fit together at entry ${at}.`,
          );
        }
        if (!intact) Deno.exit(EXIT.found);
      },
    }),
  },
});
