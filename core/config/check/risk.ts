/**
 * Checks the thresholds of the risk monitor: of an application, of its events, and of single fields.
 *
 * @module
 */
import { z } from "zod";
import { checkPart, integer, isMembers, type Members, say, share } from "./json.ts";

const SENTENCE = "write thresholds, such as { stopShare: 0.5 }";
const ACTIONS = ["warn", "suppress-field", "stop-event", "quarantine"];

const thresholds = {
  rarePseudonyms: integer(1, 64).optional(),
  warnShare: share.optional(),
  stopShare: share.optional(),
  warnExposed: share.optional(),
  stopExposed: share.optional(),
  minPseudonyms: integer(10, 10 ** 9).optional(),
  action: z.enum(ACTIONS, "choose warn, suppress-field, stop-event or quarantine").optional(),
};

const { rarePseudonyms, warnExposed, stopExposed, minPseudonyms } = thresholds;
const total = z.strictObject({
  rarePseudonyms,
  warnExposed,
  stopExposed,
  minPseudonyms,
  action: z.enum(["warn", "stop-event"], "choose warn or stop-event").optional(),
}, "write thresholds, such as { stopExposed: 0.8 }").superRefine(checkOrder);

/** The thresholds of an application. */
export const applicationRisk = z.strictObject({ ...thresholds, total: total.optional() }, SENTENCE)
  .superRefine(checkOrder);

/** The thresholds of a field. */
const risk = z.strictObject(thresholds, SENTENCE).superRefine(checkOrder);

/** The thresholds of an event, and of these fields of it. */
export function eventRisk(fields: Members) {
  const own = z.custom<Members>(isMembers, "list thresholds by field");
  return z.strictObject({
    ...thresholds,
    fields: own.superRefine((listed, context) => checkFields(fields, listed, context)).optional(),
  }, SENTENCE).superRefine(checkOrder);
}

function checkOrder(
  written: {
    readonly [name in "warnShare" | "stopShare" | "warnExposed" | "stopExposed"]?: number | undefined;
  },
  context: z.RefinementCtx<unknown>,
): void {
  for (const [warn, stop] of [["warnShare", "stopShare"], ["warnExposed", "stopExposed"]] as const) {
    const { [warn]: least = 0, [stop]: greatest = 1 } = written;
    if (least > greatest) say(context, [warn], `write a share that is not above ${stop}`);
  }
}

function checkFields(fields: Members, listed: Members, context: z.RefinementCtx<unknown>): void {
  for (const [name, own] of Object.entries(listed)) {
    const field = fields[name];
    if (field === undefined) say(context, [name], "remove it: the event has no such field");
    else if (isMembers(field) && field.localDp !== undefined) {
      say(context, [name], "remove it: a field under local differential privacy is not measured");
    } else if (isMembers(own) && own.action === "quarantine") {
      const sentence = "choose warn, suppress-field or stop-event; an event is quarantined whole";
      say(context, [name, "action"], sentence);
    } else checkPart(context, [name], risk, own);
  }
}
