// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task schema docs` writes a public page of what is collected, why and until when; `deno task schema types` writes
 * the types for apps that live in another repository. Both go to standard output, or to `--out=FILE`; beside a file of
 * types there is then the schema of each application, to be declared: `demo.schema.json`.
 *
 * @module
 */
import type { Application } from "../core/config/types.ts";
import { checkConfig } from "../core/config/check/check.ts";
import { loadConfig } from "../boot/load_config.ts";
import { CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { APP, type Values } from "./options.ts";
import { schemaPage } from "./schema_page.ts";
import { declaredJson, schemaTypes } from "./schema_types.ts";

const OPTIONS = {
  app: { ...APP, help: "One application: all by default." },
  out: { type: "string", value: "FILE", help: "Where it goes: standard output by default." },
} as const;

/** Writes what is said of the applications that are meant; beside it, where there is a file, what `beside` names. */
async function writeSchema(
  { app, out }: Values<typeof OPTIONS>,
  text: (chosen: readonly Application[]) => string,
  nameBeside?: (app: Application, out: string) => string,
): Promise<void> {
  const { applications } = checkConfig(await loadConfig(), { development: true });
  const chosen = [...applications.values()].filter(({ id }) => app === undefined || id === app);
  if (chosen.length === 0) {
    throw new CommandError(`There is no application ${app}: ${[...applications.keys()].join(", ")}.`);
  }
  const beside = out === undefined || nameBeside === undefined
    ? []
    : chosen.map((app) => ({ app, path: nameBeside(app, out) }));
  if (beside.some(({ path }) => path === out)) {
    throw new CommandError(
      `${out} is where the schema goes that lies beside the types: give them another name.`,
    );
  }
  const written = text(chosen);
  if (out === undefined) console.log(written.trimEnd());
  else await Deno.writeTextFile(out, written);
  for (const { app, path } of beside) await Deno.writeTextFile(path, declaredJson(app));
}

await runCommand({
  name: "schema",
  help: "Writes what is collected.",
  subcommands: {
    docs: subcommand({
      help: "Writes a public page in Markdown of what is collected, why and until when.",
      options: OPTIONS,
      work: (values) => writeSchema(values, schemaPage),
    }),
    types: subcommand({
      help:
        "Writes the types for apps that live in another repository; beside a file of them the schema of each " +
        "application, to be declared.",
      options: OPTIONS,
      work: (values) =>
        writeSchema(values, schemaTypes, ({ id }, out) => out.replace(/[^/]*$/, `${id}.schema.json`)),
    }),
  },
});
