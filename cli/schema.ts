// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task schema docs` writes a public page of what is collected, why and until when; `deno task schema types` writes
 * the types for apps that live in another repository. Both go to standard output, or to `--out=FILE`; beside a file of
 * types there is then the schema of each application, to be declared: `demo.schema.json`.
 *
 * @module
 */
import { checkConfig } from "../core/config/check/check.ts";
import { loadConfig } from "../boot/load_config.ts";
import { CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { schemaPage } from "./schema_page.ts";
import { declaredJson, schemaTypes } from "./schema_types.ts";

const USE = "Use: deno task schema docs|types [--app=ID] [--out=FILE]";

await runCommand({
  use: USE,
  options: { app: { type: "string" }, out: { type: "string" } },
  words: 1,
  async work({ values: { app, out }, positionals: [what] }) {
    const write = what === "docs" ? schemaPage : what === "types" ? schemaTypes : undefined;
    if (write === undefined) throw new CommandError(USE);
    const { applications } = checkConfig(await loadConfig(), { development: true });
    const chosen = [...applications.values()].filter(({ id }) => app === undefined || id === app);
    if (chosen.length === 0) {
      throw new CommandError(`There is no application ${app}: ${[...applications.keys()].join(", ")}.`);
    }
    if (out === "") throw new CommandError(USE);
    const beside = out === undefined || what !== "types"
      ? []
      : chosen.map((app) => ({ app, path: out.replace(/[^/]*$/, `${app.id}.schema.json`) }));
    if (beside.some(({ path }) => path === out)) {
      throw new CommandError(
        `${out} is where the schema goes that lies beside the types: give them another name.`,
      );
    }
    const text = write(chosen);
    if (out === undefined) console.log(text.trimEnd());
    else await Deno.writeTextFile(out, text);
    for (const { app, path } of beside) await Deno.writeTextFile(path, declaredJson(app));
  },
});
