/**
 * Checks the events of an application's configuration: names, words for people, and fields with known domains.
 *
 * @module
 */
import { MAXIMUM_DOMAIN_SIZE, MINIMUM_EPSILON } from "../../privacy/dp/local_dp.ts";
import { deniedName } from "../../schema/deny_list.ts";
import type { FieldSchema } from "../../schema/fields/types.ts";
import { FIELD_DOCS } from "../../schema/fields/docs.ts";
import { parseDay } from "../../base/time.ts";
import { valueCount } from "../../schema/fields/table.ts";
import { checkEventRisk } from "./risk.ts";
import { isMembers, refuseUnknown } from "./json.ts";

const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const EVENT_MEMBERS = [
  "description",
  "purpose",
  "owner",
  "expires",
  "review",
  "identifying",
  "sample",
  "state",
  "risk",
  "fields",
];
const FIELD_MEMBERS = ["type", "description", "optional", "localDp"];
/** Most fields of an event: what is measured of it in a day is one row of the store. */
const MAX_FIELDS = 32;
/** Beyond it next to every report is true. */
const MAX_LOCAL_EPSILON = 16;
/** One sentence a mistake; none when all is well. `path` names the events' place in the configuration. */
export function checkEvents(path: string, events: unknown): string[] {
  if (!isMembers(events)) return [`${path}: list the events by name.`];
  const mistakes: string[] = [];
  for (const [name, event] of Object.entries(events)) {
    if (!NAME.test(name)) mistakes.push(`${path}.${name}: ${HOW_TO_NAME}`);
    checkEvent(`${path}.${name}`, event, mistakes);
  }
  return mistakes;
}

const HOW_TO_NAME = 'name it with a-z, 0-9 and "_", a letter first, at most 63 characters.';

function checkEvent(path: string, event: unknown, mistakes: string[]): void {
  if (!isMembers(event)) {
    mistakes.push(`${path}: describe the event.`);
    return;
  }
  refuseUnknown(path, event, EVENT_MEMBERS, mistakes);
  for (const member of ["description", "purpose", "owner"]) {
    const words = event[member];
    if (typeof words !== "string" || words.length === 0 || words.length > 500) {
      mistakes.push(`${path}.${member}: write 1 to 500 characters for the people whose devices send it.`);
    }
  }
  if (typeof event.expires !== "string" || parseDay(event.expires) === undefined) {
    mistakes.push(`${path}.expires: write the last day of its collection as YYYY-MM-DD.`);
  }
  if (event.review !== undefined && (typeof event.review !== "string" || event.review.length > 500)) {
    mistakes.push(`${path}.review: write where its privacy review is.`);
  }
  if (
    event.identifying !== undefined &&
    (typeof event.identifying !== "string" || event.identifying.length === 0)
  ) {
    mistakes.push(`${path}.identifying: write why its records may single clients out.`);
  }
  const { sample, state } = event;
  if (sample !== undefined && !(typeof sample === "number" && sample >= 0 && sample <= 1)) {
    mistakes.push(`${path}.sample: write a share from 0 to 1.`);
  }
  if (state !== undefined && state !== "open" && state !== "stopped") {
    mistakes.push(`${path}.state: write "open" or "stopped".`);
  }
  if (!isMembers(event.fields)) {
    mistakes.push(`${path}.fields: list the fields by name ({} when there are none).`);
    return;
  }
  if (Object.keys(event.fields).length > MAX_FIELDS) {
    mistakes.push(`${path}.fields: list at most ${MAX_FIELDS}; every two of them are measured together.`);
  }
  for (const [name, field] of Object.entries(event.fields)) {
    if (!NAME.test(name)) mistakes.push(`${path}.fields.${name}: ${HOW_TO_NAME}`);
    const denied = deniedName(name);
    if (denied !== undefined) {
      mistakes.push(`${path}.fields.${name}: remove it: "${denied}" names a person or a device.`);
    }
    checkField(`${path}.fields.${name}`, field, mistakes);
  }
  if (event.risk !== undefined) mistakes.push(...checkEventRisk(`${path}.risk`, event.risk, event.fields));
}

function checkField(path: string, field: unknown, mistakes: string[]): void {
  const doc = isMembers(field) && typeof field.type === "string" ? FIELD_DOCS.get(field.type) : undefined;
  if (!isMembers(field) || doc === undefined) {
    mistakes.push(`${path}.type: choose ${offer([...FIELD_DOCS.keys()])}; there is no free text.`);
    return;
  }
  const before = mistakes.length;
  refuseUnknown(path, field, [...FIELD_MEMBERS, ...Object.keys(doc.shape)], mistakes);
  if (field.optional !== undefined && typeof field.optional !== "boolean") {
    mistakes.push(`${path}.optional: write true or false.`);
  }
  if (field.description !== undefined && typeof field.description !== "string") {
    mistakes.push(`${path}.description: write a sentence.`);
  }
  for (const { member, sentence, isMet } of doc.rules) {
    if (!isMet(field)) mistakes.push(`${path}${member === undefined ? "" : `.${member}`}: ${sentence}.`);
  }
  checkLocalDp(path, field.localDp, mistakes);
  // Of a field with a mistake nobody knows how many values it has.
  if (field.localDp === undefined || mistakes.length > before) return;
  const values = valueCount(field as unknown as FieldSchema);
  if (values > MAXIMUM_DOMAIN_SIZE) {
    mistakes.push(`${path}.localDp: narrow the domain to at most ${MAXIMUM_DOMAIN_SIZE} values.`);
  }
  if (values < 2) mistakes.push(`${path}.localDp: remove it: of a single value there is nothing to hide.`);
}

/** Names as a sentence offers them: "a, b or c". */
function offer(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function checkLocalDp(path: string, localDp: unknown, mistakes: string[]): void {
  if (localDp === undefined) return;
  if (isMembers(localDp)) refuseUnknown(`${path}.localDp`, localDp, ["epsilon"], mistakes);
  const epsilon = isMembers(localDp) ? localDp.epsilon : undefined;
  if (typeof epsilon !== "number" || !(epsilon >= MINIMUM_EPSILON && epsilon <= MAX_LOCAL_EPSILON)) {
    mistakes.push(
      `${path}.localDp: write { epsilon: ... } from ${MINIMUM_EPSILON} to ${MAX_LOCAL_EPSILON}.`,
    );
  }
}
