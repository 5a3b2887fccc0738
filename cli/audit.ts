// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task audit`: asks the running service whether its records are exactly those whose uses are claimed. Ends with
 * exit code 0 when nothing is wrong and 3 when something is; `--json` prints the report as it came.
 *
 * @module
 */
import type { AuditReport } from "../core/jobs/reconciliation.ts";
import { formatDay } from "../core/base/time.ts";
import { callAdmin } from "./admin_api.ts";
import { EXIT, runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { JSON_OUTPUT } from "./options.ts";
import { printJson } from "./output.ts";
import { formatTable } from "./table.ts";

function print(report: AuditReport): void {
  const heads = ["application", "day", "claims", "swept", "elsewhere", "records", "in segments", "removed"];
  const rows = report.days.map((day) => [
    day.app,
    formatDay(day.day),
    day.claims,
    day.claimsSwept,
    day.claimsElsewhere,
    day.records,
    day.recordsInSegments,
    day.recordsRetired,
  ]);
  console.log(formatTable([heads, ...rows]));
  for (const { kind, count, app, day, commits, explanation } of report.findings) {
    const where = app === undefined ? "" : ` of ${app}${day === undefined ? "" : ` on ${formatDay(day)}`}`;
    console.log(`\nWRONG: ${kind}${where}, ${count}: ${explanation}.`);
    if (commits !== undefined) console.log(`  commits: ${commits.join(" ")}`);
  }
  if (report.unknown.length > 0) console.log("\nNot known:");
  for (const sentence of report.unknown) console.log(`  ${sentence}`);
  console.log(
    report.ok
      ? `\nNothing is wrong: ${report.claims} claims, ${report.records} records.`
      : `\n${report.findings.length} findings in ${report.claims} claims and ${report.records} records.`,
  );
}

await runCommand({
  name: "audit",
  help: "Compares all records with the uses that were claimed.",
  subcommands: {
    "": subcommand({
      help: "Asks the running service whether its records are exactly those whose uses are claimed.",
      options: { json: JSON_OUTPUT },
      found: "something is wrong",
      async work({ json }) {
        const report = await (await callAdmin("/admin/v1/audit", { method: "POST" })).json() as AuditReport;
        if (json) printJson(report);
        else print(report);
        if (!report.ok) Deno.exit(EXIT.found);
      },
    }),
  },
});
