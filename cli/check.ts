// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task check`: checks the configuration, how identifying its events could become at worst, and that somebody has
 * reviewed them.
 *
 * @module
 */
import { checkConfig, ConfigError } from "../core/config/check/check.ts";
import { budgetMistakes, formatCrowd, reviewMistakes, schemaBudget } from "../core/schema/schema_budget.ts";
import { loadConfig } from "../boot/load_config.ts";
import { formatTable } from "./table.ts";

try {
  const { applications } = checkConfig(await loadConfig(), { development: true });
  const mistakes: string[] = [];
  for (const app of applications.values()) {
    const budgets = schemaBudget(app.events, app.expectedClients, app.minCrowd);
    console.log(
      `${app.id}: ${app.expectedClients} clients expected, at least ${app.minCrowd} to a record wanted\n`,
    );
    console.log(formatTable([
      ["event", "bits", "worst pair", "bits", "clients to a record at worst"],
      ...budgets.map((budget) => [
        budget.event,
        budget.bits.toFixed(1),
        budget.worstPair.fields.join(" + "),
        budget.worstPair.bits.toFixed(1),
        formatCrowd(budget.crowd) + (budget.justification === undefined ? "" : " (justified)"),
      ]),
    ]));
    console.log();
    const path = `applications.${app.id}.events`;
    mistakes.push(...budgetMistakes(path, budgets, app.minCrowd), ...reviewMistakes(path, app.events));
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  console.log("The configuration is right.");
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  for (const mistake of error.mistakes) console.error(mistake);
  Deno.exit(1);
}
