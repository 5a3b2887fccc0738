// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task check [--at YYYY-MM-DD]`: checks the configuration, how identifying its events could become at worst, that
 * somebody has reviewed them, what the answers to its questions will be worth before anything is spent, and which events
 * have expired on that day (today by default) or will within thirty days.
 *
 * Exit codes: 0 when it is right, also where events expire soon; 1 when it has mistakes; 3 when events have expired.
 *
 * @module
 */
import { dayOf, parseDay } from "../core/base/time.ts";
import { checkConfig, ConfigError } from "../core/config/check/check.ts";
import type { Application } from "../core/config/types.ts";
import { type Expiry, expiryOn } from "../core/schema/expiry.ts";
import type { EventSchemas } from "../core/schema/event.ts";
import { localLosses } from "../core/schema/local_report.ts";
import {
  budgetMistakes,
  formatCrowd,
  reviewMistakes,
  schemaBudget,
  totalBudget,
} from "../core/schema/schema_budget.ts";
import { loadConfig } from "../boot/load_config.ts";
import { EXIT, runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { UsageError } from "./options.ts";
import { forecastTable } from "./release_forecast.ts";
import { formatTable } from "./table.ts";

/** Prints the budgets of an application. Gives its mistakes. */
function checkApplication(app: Application): string[] {
  const { id, events, expectedClients, minCrowd } = app;
  const budgets = schemaBudget(events, expectedClients, minCrowd);
  console.log(`${id}: ${expectedClients} clients expected, at least ${minCrowd} to a record wanted\n`);
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
  reportTotal(app);
  printLosses(events);
  const forecasts = forecastTable(app);
  if (forecasts !== undefined) {
    console.log(`${id}: what an answer will be worth, with 95 % confidence, if as many send\n`);
    console.log(forecasts);
    console.log();
  }
  return [...budgetMistakes(pathOf(id), budgets, minCrowd), ...reviewMistakes(pathOf(id), events)];
}

/** Prints what a device's reports of a period come to, where it reports at all. */
function printLosses(events: EventSchemas): void {
  const losses = localLosses(events);
  if (losses.length === 0) return;
  console.log(formatTable([
    ["randomised on the device", "epsilon a report", "values a period", "epsilon a period"],
    ...losses.map(({ field, epsilon, values, loss }) => [field, `${epsilon}`, `${values}`, inWords(loss)]),
  ]));
  const sum = losses.reduce((total, { loss }) => total + loss, 0);
  console.log(`All fields together: at most epsilon ${inWords(sum)} a device and period of its pseudonym.\n`);
}

/** An epsilon without what floating-point addition adds to it. */
function inWords(epsilon: number): string {
  return `${Number(epsilon.toPrecision(6))}`;
}

/** Says what all events together come to. It is no mistake: only what is sent can show whether it singles people out. */
function reportTotal({ events, pseudonymSeconds, granularitySeconds, expectedClients }: Application): void {
  if (pseudonymSeconds === undefined) return;
  const total = totalBudget(events, { pseudonymSeconds, granularitySeconds, expectedClients });
  console.log(
    `Total bits a pseudonym's period, each event sent once: ${
      (total.fieldBits + total.timeBits).toFixed(1)
    } ` +
      `(${total.fieldBits.toFixed(1)} of fields, ${total.timeBits.toFixed(1)} of times), which leaves ` +
      `${formatCrowd(total.crowd)} to a total at worst.\n` +
      "Each event that is sent again adds its bits again; the risk monitor measures what it comes to.\n",
  );
}

/** Says which events have expired or soon will. Gives whether any has. */
function reportExpiry(found: readonly Expiry[]): boolean {
  for (const sentence of found.flatMap(({ sentences }) => sentences)) console.error(sentence);
  return found.some(({ hasExpired }) => hasExpired);
}

/** The last line where all is well: how much there is, and how much of it is excused. */
function verdict(applications: readonly Application[]): string {
  const events = applications.flatMap(({ events }) => Object.values(events));
  const excused = events.filter(({ identifying }) => identifying !== undefined).length;
  return `Configuration OK: ${events.length} event${
    events.length === 1 ? "" : "s"
  }, ${excused} with a justification.`;
}

function pathOf(app: string): string {
  return `applications.${app}.events`;
}

function dayOfArgument(at: string | undefined): number {
  if (at === undefined) return dayOf(Date.now() / 1_000);
  const day = parseDay(at);
  if (day === undefined) throw new UsageError("Give --at a day, such as 2027-01-15.");
  return day;
}

await runCommand({
  name: "check",
  help: "Checks the configuration.",
  subcommands: {
    "": subcommand({
      help:
        "Checks the configuration, how identifying its events could become at worst, that somebody has reviewed " +
        "them, what the answers to its questions will be worth, and which events have expired.",
      options: {
        at: {
          type: "string",
          value: "DAY",
          help: "The day on which events may have expired: today by default.",
        },
      },
      found: "an event has expired",
      async work({ at }) {
        const day = dayOfArgument(at);
        const { applications } = checkConfig(await loadConfig(), { development: true });
        const mistakes = [...applications.values()].flatMap(checkApplication);
        const hasExpired = reportExpiry(
          [...applications.values()].map(({ id, events }) => expiryOn(pathOf(id), events, day)),
        );
        if (mistakes.length > 0) throw new ConfigError(mistakes);
        if (hasExpired) Deno.exit(EXIT.found);
        console.log(verdict([...applications.values()]));
      },
    }),
  },
});
