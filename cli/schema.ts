// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task schema docs` writes a public page of what is collected, why and until when; `deno task schema types` writes
 * the types for apps that live in another repository. Both go to standard output, or to `--out=FILE`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { checkConfig, ConfigError } from "../core/config/check/check.ts";
import { loadConfig } from "../boot/load_config.ts";
import { schemaPage } from "./schema_page.ts";
import { schemaTypes } from "./schema_types.ts";

const USAGE = "Use: deno task schema docs|types [--app=ID] [--out=FILE]";

function fail(sentence: string): never {
  console.error(sentence);
  Deno.exit(1);
}

try {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { app: { type: "string" }, out: { type: "string" } },
    allowPositionals: true,
  });
  const { applications } = checkConfig(await loadConfig(), { development: true });
  const chosen = [...applications.values()].filter(({ id }) => values.app === undefined || id === values.app);
  if (chosen.length === 0) {
    fail(`There is no application ${values.app}: ${[...applications.keys()].join(", ")}.`);
  }
  const [what] = positionals;
  const write = what === "docs" ? schemaPage : what === "types" ? schemaTypes : fail(USAGE);
  const text = write(chosen);
  if (values.out === undefined) console.log(text.trimEnd());
  else await Deno.writeTextFile(values.out, text);
} catch (error) {
  if (error instanceof ConfigError) fail(error.mistakes.join("\n"));
  if (error instanceof TypeError && "code" in error) fail(USAGE);
  throw error;
}
