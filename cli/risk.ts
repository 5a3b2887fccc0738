// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task risk list --app X` shows what is measured, stopped and alerted;
 * `deno task risk joins` shows which fields of the deployment link records by their values;
 * `deno task risk lift --app X --event E [--field F] --reason "..."` takes a stop back.
 *
 * @module
 */
import { visibleText } from "../core/base/visible_text.ts";
import { type AlertRow, alertText } from "../core/privacy/risk/alerts.ts";
import type { FieldName, Joins } from "../core/privacy/risk/joins.ts";
import type { RiskFigures, Thresholds, Verdict } from "../core/privacy/risk/judgement.ts";
import type { RiskRow } from "../core/privacy/risk/suppressions.ts";
import { callAdmin, CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { formatTable } from "./table.ts";

const USE = [
  "Use: deno task risk list --app <application>",
  "     deno task risk joins",
  "     deno task risk lift --app <application> --event <event> [--field <field>] --reason <why>",
].join("\n");

interface RiskAnswer {
  decisions: Record<string, RiskRow>;
  withheld: string[];
  measured: {
    event: string;
    fields: string[];
    verdict: Verdict;
    figures: RiskFigures;
    thresholds: Thresholds;
  }[];
  alerts: AlertRow[];
}

const OPTIONS = {
  app: { type: "string" },
  event: { type: "string" },
  field: { type: "string" },
  reason: { type: "string" },
} as const;

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

async function list(app: string): Promise<void> {
  const response = await callAdmin(`/admin/v1/apps/${encodeURIComponent(app)}/risk`);
  const { decisions, withheld, measured, alerts }: RiskAnswer = await response.json();
  console.log(formatTable([
    ["measured", "pseudonyms", "values", "rare", "surely", "exposed", "surely", "verdict"],
    ...measured.map(({ event, fields, figures, thresholds, verdict }) => [
      fields.length === 0 ? "what a pseudonym says in total" : `${event}: ${fields.join(" + ")}`,
      figures.pseudonyms,
      figures.values,
      percent(figures.share),
      percent(figures.lowerBound),
      percent(figures.exposed),
      percent(figures.exposedLeast),
      verdict === "waiting" ? `waiting for ${thresholds.minPseudonyms}` : verdict,
    ]),
  ]));
  console.log(`\nDecisions: ${Object.keys(decisions).length === 0 ? "none" : ""}`);
  for (const [name, { state, since, reason }] of Object.entries(decisions)) {
    console.log(
      `  ${time(since)}  ${name}: ${state}${reason === undefined ? "" : ` (${visibleText(reason)})`}`,
    );
  }
  if (withheld.length > 0) console.log(`\nWithheld from export and release: ${withheld.join(", ")}`);
  console.log(`\nAlerts: ${alerts.length === 0 ? "none" : ""}`);
  for (const alert of alerts) console.log(`  ${time(alert.at)}  ${visibleText(alertText(alert))}`);
}

async function joins(): Promise<void> {
  const answer: Joins = await (await callAdmin("/admin/v1/joins")).json();
  if (answer.joins.length === 0) console.log("No two fields of many values seem to share half of them.");
  else console.log(joinsTable(answer));
  if (answer.undecided > 0) {
    console.log(
      `Of ${answer.undecided} more pairs too few values could be compared to say whether they share half of them.`,
    );
  }
}

function joinsTable({ joins }: Joins): string {
  const name = ({ app, event, field }: FieldName) => `${app} ${event}: ${field}`;
  return formatTable([
    ["field", "is contained in", "shared values", "compared", "containment", "at least", "at most"],
    ...joins.map(({ first, second, shared, compared, containment, interval }) => [
      name(first),
      name(second),
      shared,
      compared,
      ...[containment, interval.lower, interval.upper].map(percent),
    ]),
  ]);
}

async function lift(
  app: string,
  stop: { event: string; field: string | undefined; reason: string },
): Promise<void> {
  const response = await callAdmin(`/admin/v1/apps/${encodeURIComponent(app)}/risk/lift`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(stop),
  });
  console.log(
    `Lifted: ${(await response.json()).lifted}. It is judged anew when the pseudonyms change next.`,
  );
}

await runCommand({
  use: USE,
  options: OPTIONS,
  words: 1,
  async work({ values: { app, event, field, reason }, positionals: [what] }) {
    if (what === "joins") return await joins();
    if (what === "list" && app !== undefined) return await list(app);
    if (what !== "lift" || app === undefined || event === undefined || reason === undefined) {
      throw new CommandError(USE);
    }
    await lift(app, { event, field, reason });
  },
});
