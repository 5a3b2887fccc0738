// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task trail` shows what operators did and attempted, newest first, and whether the audit log is as it was written.
 * Ends with exit code 2 when it is not.
 *
 * @module
 */
import type { AuditEntry } from "../core/operations/audit_log.ts";
import { callAdmin } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { trailLines } from "./trail_lines.ts";

/** What `GET /admin/v1/trail` answers. */
interface Trail {
  readonly intact: boolean;
  readonly entries?: number;
  readonly at?: number;
  readonly latest: readonly AuditEntry[];
}

await runCommand({
  use: "Use: deno task trail",
  options: {},
  async work() {
    const { intact, entries, at, latest } = await (await callAdmin("/admin/v1/trail")).json() as Trail;
    for (const line of trailLines(latest)) console.log(line);
    if (intact) return console.log(`The audit log is as it was written: ${entries} entries.`);
    console.log(`Somebody changed the store: the audit log does not fit together at entry ${at}.`);
    Deno.exit(2);
  },
});
