/**
 * The public page of a schema: Markdown that anybody can read.
 *
 * @module
 */
import type { Application } from "../core/config/types.ts";
import type { EventSchema } from "../core/schema/event.ts";
import { docOf } from "../core/schema/fields/docs.ts";
import type { FieldSchema } from "../core/schema/fields/types.ts";
import { maxValuesOf } from "../core/schema/local_report.ts";

/** What applications collect, why, and until when. */
export function schemaPage(applications: readonly Application[]): string {
  return applications.map(applicationPage).join("\n");
}

function applicationPage(app: Application): string {
  const days = (app.pseudonymSeconds ?? 0) / 86_400;
  const pseudonym = app.pseudonymSeconds === undefined
    ? "No name of any kind is sent with it."
    : `A pseudonym that your device makes up and changes every ${
      days === 1 ? "day" : `${days} days`
    } is sent with it.`;
  return [
    `# What ${app.id} collects`,
    "",
    "Nothing below says who you are: it is sent without your account, and the server cannot tell which device sent it.",
    `${pseudonym} Times are rounded down to ${minutes(app.granularitySeconds)}. ` +
    `Raw records are deleted after ${app.retentionDays} days.`,
    "",
    ...Object.entries(app.events).flatMap(([name, event]) => eventSection(name, event)),
  ].join("\n");
}

function minutes(seconds: number): string {
  if (seconds % 3_600 === 0) return seconds === 3_600 ? "the hour" : `${seconds / 3_600} hours`;
  return `${seconds / 60} minutes`;
}

function eventSection(name: string, event: EventSchema): string[] {
  const facts = [
    ["Why", event.purpose],
    ["Who answers for it", event.owner],
    ["Until", event.expires],
    ...(event.review === undefined ? [] : [["Privacy review", event.review]]),
    ...(event.sample === undefined || event.sample === 1
      ? []
      : [["Sent by", `${event.sample * 100} % of devices`]]),
    ...(event.identifying === undefined ? [] : [["Why it may be rare", event.identifying]]),
    ...(event.state === "stopped" ? [["State", "stopped: not collected now"]] : []),
  ];
  const fields = Object.entries(event.fields);
  return [
    `## ${name}`,
    "",
    event.description,
    "",
    ...facts.map(([what, value]) => `- ${what}: ${value}`),
    "",
    ...(fields.length === 0 ? ["It has no fields.", ""] : [
      "| field | what is sent | meaning |",
      "| --- | --- | --- |",
      ...fields.map(([field, schema]) =>
        `| ${field} | ${cell(describeField(schema))} | ${cell(schema.description ?? "")} |`
      ),
      "",
    ]),
  ];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function describeField(field: FieldSchema): string {
  const values = maxValuesOf(field);
  const noise = values === 0
    ? ""
    : `, randomised on the device, ${
      values === 1 ? "one value" : `at most ${values} values`
    } in a period of the pseudonym`;
  return (field.optional === true ? "optional: " : "") + docOf(field).words(field) + noise;
}
