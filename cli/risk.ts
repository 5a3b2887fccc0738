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
import { subcommand } from "./subcommand.ts";
import { APP, JSON_OUTPUT, YES } from "./options.ts";
import { type Meaning, printJson } from "./output.ts";
import { formatTable } from "./table.ts";

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

const VERDICTS: Readonly<Record<Verdict, Meaning | undefined>> = {
  waiting: undefined,
  passed: "good",
  warn: "warning",
  stop: "bad",
};

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

async function readRisk(app: string): Promise<RiskAnswer> {
  return await (await callAdmin(`/admin/v1/apps/${encodeURIComponent(app)}/risk`)).json();
}

async function list(app: string, json: boolean): Promise<void> {
  const answer = await readRisk(app);
  if (json) return printJson(answer);
  const { decisions, withheld, measured, alerts } = answer;
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
      {
        text: verdict === "waiting" ? `waiting for ${thresholds.minPseudonyms}` : verdict,
        means: VERDICTS[verdict],
      },
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

async function joins(json: boolean): Promise<void> {
  const answer: Joins = await (await callAdmin("/admin/v1/joins")).json();
  if (json) return printJson(answer);
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
  yes: boolean,
): Promise<void> {
  const { event, field } = stop;
  const name = field === undefined ? event : `${event}.${field}`;
  if (!yes) {
    const { decisions } = await readRisk(app);
    const decision = Object.hasOwn(decisions, name) ? decisions[name] : undefined;
    if (decision === undefined || !["stopped", "suppressed", "quarantined"].includes(decision.state)) {
      throw new CommandError(`${name} of ${app} is not stopped: there is nothing to lift.`);
    }
    throw new CommandError(
      `${name} is ${decision.state} since ${
        time(decision.since)
      }. This has devices send it again, and what they send until it is ` +
        `judged anew cannot be taken back; to do it: deno task risk lift --app ${app} --event ${event}` +
        `${field === undefined ? "" : ` --field ${field}`} --reason ${JSON.stringify(stop.reason)} --yes`,
    );
  }
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
  name: "risk",
  help: "Shows what is measured and stopped, or lifts a stop.",
  subcommands: {
    list: subcommand({
      help: "Shows what is measured, stopped and alerted.",
      options: { app: { ...APP, required: true }, json: JSON_OUTPUT },
      work: ({ app, json }) => list(app, json),
    }),
    joins: subcommand({
      help: "Shows which fields of the deployment link records by their values.",
      options: { json: JSON_OUTPUT },
      work: ({ json }) => joins(json),
    }),
    lift: subcommand({
      help: "Takes a stop back: what was stopped is collected again until it is judged anew.",
      options: {
        app: { ...APP, required: true },
        event: {
          type: "string",
          value: "EVENT",
          required: true,
          help: "The event that is stopped, or has the field.",
        },
        field: {
          type: "string",
          value: "FIELD",
          help: "The field that is stopped: the whole event by default.",
        },
        reason: { type: "string", value: "WHY", required: true, help: "Why: the audit log keeps it." },
        yes: YES,
      },
      work: ({ app, yes, ...stop }) => lift(app, stop, yes),
    }),
  },
});
