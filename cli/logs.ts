// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task logs export --app X --day YYYY-MM-DD`: writes a day's records to standard output as NDJSON.
 *
 * @module
 */
import { callAdmin, CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { APP, requireDay } from "./options.ts";

const NEWLINE = 10;

async function exportDay(app: string, day: string): Promise<void> {
  const response = await callAdmin(
    `/admin/v1/apps/${encodeURIComponent(app)}/logs/${encodeURIComponent(day)}`,
  );
  let records = 0;
  // A record is a line.
  const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      for (const byte of chunk) if (byte === NEWLINE) records++;
      controller.enqueue(chunk);
    },
  });
  try {
    await response.body?.pipeThrough(counting).pipeTo(Deno.stdout.writable);
  } catch {
    throw new CommandError("The export broke off and is incomplete: throw it away and run it again.");
  }
  console.error(`${records} records of ${app} on ${day}.`);
}

await runCommand({
  name: "logs",
  help: "Exports records.",
  subcommands: {
    export: subcommand({
      help: "Writes the records of a day to standard output as NDJSON, and their number to standard error.",
      options: {
        app: { ...APP, required: true },
        day: { type: "string", value: "DAY", required: true, help: "The day in UTC: YYYY-MM-DD." },
      },
      work: ({ app, day }) => exportDay(app, requireDay(day)),
    }),
  },
});
