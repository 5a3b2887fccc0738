/**
 * `deno task logs export --app X --day YYYY-MM-DD`: writes a day's records to standard output as NDJSON.
 *
 * @module
 */
import { callAdmin, CommandError, requireDay } from "./admin_api.ts";
import { runCommand } from "./command.ts";

const USE = "Use: deno task logs export --app <application> --day <YYYY-MM-DD>";

async function exportDay(app: string, day: string): Promise<void> {
  const response = await callAdmin(
    `/admin/v1/apps/${encodeURIComponent(app)}/logs/${encodeURIComponent(day)}`,
  );
  try {
    await response.body?.pipeTo(Deno.stdout.writable);
  } catch {
    throw new CommandError("The export broke off and is incomplete: throw it away and run it again.");
  }
}

await runCommand({
  use: USE,
  options: { app: { type: "string" }, day: { type: "string" } },
  words: 1,
  async work({ values: { app, day }, positionals: [what] }) {
    if (what !== "export" || app === undefined || day === undefined) throw new CommandError(USE);
    await exportDay(app, requireDay(day));
  },
});
