/**
 * `deno task logs export --app X --day YYYY-MM-DD`: writes a day's records to standard output as NDJSON.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { callAdmin, CommandError, requireDay, runCommand } from "./admin_api.ts";

const USE = "Use: deno task logs export --app <application> --day <YYYY-MM-DD>";

function readArguments(): { app: string; day: string } {
  try {
    const { values, positionals } = parseArgs({
      args: Deno.args,
      allowPositionals: true,
      options: { app: { type: "string" }, day: { type: "string" } },
    });
    const { app, day } = values;
    if (positionals.join() === "export" && app !== undefined && day !== undefined) {
      return { app, day: requireDay(day) };
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // An argument that nobody knows: the sentence below says which there are.
  }
  throw new CommandError(USE);
}

await runCommand(async () => {
  const { app, day } = readArguments();
  const response = await callAdmin(
    `/admin/v1/apps/${encodeURIComponent(app)}/logs/${encodeURIComponent(day)}`,
  );
  try {
    await response.body?.pipeTo(Deno.stdout.writable);
  } catch {
    throw new CommandError("The export broke off and is incomplete: throw it away and run it again.");
  }
});
