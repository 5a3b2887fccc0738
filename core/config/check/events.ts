/**
 * Checks the events of an application's configuration: names, words for people, and fields with known domains.
 *
 * @module
 */
import { z } from "zod";
import { MAXIMUM_DOMAIN_SIZE, MINIMUM_EPSILON } from "../../privacy/dp/local_dp.ts";
import { MAX_LOCAL_EPSILON, SAMPLE_RATES } from "../../schema/bounds.ts";
import { deniedName } from "../../schema/deny_list.ts";
import { FIELD_DOCS } from "../../schema/fields/docs.ts";
import { GREATEST_MAX_VALUES } from "../../schema/fields/field_type.ts";
import { valueCount } from "../../schema/fields/table.ts";
import type { FieldSchema } from "../../schema/fields/types.ts";
import { parseDay } from "../../base/time.ts";
import {
  BESIDE_OTHERS,
  byName,
  checkPart,
  checkSnakeName,
  integer,
  isMembers,
  numberFrom,
  offer,
  oneOf,
  say,
  text,
} from "./json.ts";
import { eventRisk } from "./risk.ts";

/** Most fields of an event: what is measured of it in a day is one row of the store. */
const MAX_FIELDS = 32;

const LOCAL_DP = `write { epsilon: ... } from ${MINIMUM_EPSILON} to ${MAX_LOCAL_EPSILON}`;
const epsilon = numberFrom(MINIMUM_EPSILON, MAX_LOCAL_EPSILON, LOCAL_DP);
const localDp = z.strictObject({
  epsilon: z.unknown().optional(),
  maxValues: integer(1, GREATEST_MAX_VALUES).optional(),
}, LOCAL_DP)
  .refine((written) => epsilon.safeParse(written.epsilon).success, { error: LOCAL_DP, abort: true });

/** A definition by its type. */
const definitions: ReadonlyMap<unknown, z.ZodType> = new Map(
  [...FIELD_DOCS].map(([type, { shape, rules }]) => {
    const members = Object.keys(shape).map((name) => [name, z.unknown().optional()]);
    const definition = z.strictObject({
      type: z.literal(type),
      description: z.string("write a sentence").optional(),
      optional: z.boolean("write true or false").optional(),
      localDp: localDp.optional(),
      ...Object.fromEntries(members),
    }).superRefine((written, context) => {
      for (const { member, sentence, isMet } of rules) {
        if (!isMet(written)) say(context, member === undefined ? [] : [member], sentence);
      }
    }, BESIDE_OTHERS).superRefine((written: unknown, context) => {
      // Of a field with a mistake nobody knows how many values it has.
      if (context.issues.length === 0) checkDomain(written as FieldSchema, context);
    });
    return [type, definition];
  }),
);

const field = z.unknown().superRefine((written, context) => {
  const definition = isMembers(written) ? definitions.get(written.type) : undefined;
  if (definition !== undefined) return checkPart(context, [], definition, written);
  say(context, ["type"], `choose ${offer([...FIELD_DOCS.keys()])}; there is no free text`);
});

function checkDomain(field: FieldSchema, context: z.RefinementCtx<unknown>): void {
  if (field.localDp === undefined) return;
  const values = valueCount(field);
  if (values > MAXIMUM_DOMAIN_SIZE) {
    say(context, ["localDp"], `narrow the domain to at most ${MAXIMUM_DOMAIN_SIZE} values`);
  }
  if (values < 2) say(context, ["localDp"], "remove it: of a single value there is nothing to hide");
}

function checkFieldName(name: string): string[] {
  const denied = deniedName(name);
  return [
    ...checkSnakeName(name),
    ...(denied === undefined ? [] : [`remove it: "${denied}" names a person or a device`]),
  ];
}

const words = text("write 1 to 500 characters for the people whose devices send it", 500);
const REVIEW = "write where its privacy review is";
const EXPIRES = "write the last day of its collection as YYYY-MM-DD";

const event = z.strictObject({
  description: words,
  purpose: words,
  owner: words,
  expires: z.string(EXPIRES).refine((day) => parseDay(day) !== undefined, EXPIRES),
  review: z.string(REVIEW).max(500, REVIEW).optional(),
  identifying: text("write why its records may single clients out").optional(),
  sample: oneOf(SAMPLE_RATES, {
    direction: "down",
    as: "rarer",
    beyond: 'none is rarer: to collect nothing, write state: "stopped"',
  }).optional(),
  state: z.enum(["open", "stopped"], 'write "open" or "stopped"').optional(),
  fields: byName({
    definition: field,
    sentence: "list the fields by name ({} when there are none)",
    checkName: checkFieldName,
  }).refine(
    (fields) => Object.keys(fields).length <= MAX_FIELDS,
    `list at most ${MAX_FIELDS}; every two of them are measured together`,
  ),
  risk: z.unknown().optional(),
}, "describe the event").superRefine(({ risk, fields }, context) => {
  if (risk !== undefined && isMembers(fields)) checkPart(context, ["risk"], eventRisk(fields), risk);
}, BESIDE_OTHERS);

/** The events of an application. */
export const events = byName({
  definition: event,
  sentence: "list the events by name",
  checkName: checkSnakeName,
});
