/**
 * Checks the thresholds of the risk monitor: of an application, of its events, and of single fields.
 *
 * @module
 */
import type { FieldSchema } from "../../schema/fields/types.ts";
import { isMembers, type Members, refuseUnknown } from "./json.ts";

const SHARES = ["warnShare", "stopShare", "warnExposed", "stopExposed"];
const THRESHOLDS = ["rarePseudonyms", ...SHARES, "minPseudonyms", "action"];
const ACTIONS: readonly unknown[] = ["warn", "suppress-field", "stop-event", "quarantine"];

/** One sentence a mistake in the thresholds at `path`. */
export function checkRisk(path: string, risk: unknown): string[] {
  const mistakes: string[] = [];
  if (!isMembers(risk)) return [`${path}: write thresholds, such as { stopShare: 0.5 }.`];
  refuseUnknown(path, risk, THRESHOLDS, mistakes);
  checkThresholds(path, risk, mistakes);
  return mistakes;
}

/** One sentence a mistake in the thresholds of an event and its fields at `path`. */
export function checkEventRisk(path: string, risk: unknown, fields: Members): string[] {
  const mistakes: string[] = [];
  if (!isMembers(risk)) return [`${path}: write thresholds, such as { stopShare: 0.5 }.`];
  refuseUnknown(path, risk, [...THRESHOLDS, "fields"], mistakes);
  checkThresholds(path, risk, mistakes);
  if (risk.fields === undefined) return mistakes;
  if (!isMembers(risk.fields)) return [...mistakes, `${path}.fields: list thresholds by field.`];
  for (const [name, own] of Object.entries(risk.fields)) {
    const field = fields[name];
    const at = `${path}.fields.${name}`;
    if (field === undefined) mistakes.push(`${at}: remove it: the event has no such field.`);
    else if ((field as Partial<FieldSchema>).localDp !== undefined) {
      mistakes.push(`${at}: remove it: a field under local differential privacy is not measured.`);
    } else if (isMembers(own) && own.action === "quarantine") {
      mistakes.push(
        `${at}.action: choose warn, suppress-field or stop-event; an event is quarantined whole.`,
      );
    } else mistakes.push(...checkRisk(at, own));
  }
  return mistakes;
}

function checkThresholds(path: string, risk: Members, mistakes: string[]): void {
  const before = mistakes.length;
  checkInteger(path, risk, "rarePseudonyms", 1, 64, mistakes);
  checkInteger(path, risk, "minPseudonyms", 10, 10 ** 9, mistakes);
  for (const name of SHARES) {
    const share = risk[name];
    if (share !== undefined && !(typeof share === "number" && share >= 0 && share <= 1)) {
      mistakes.push(`${path}.${name}: write a share from 0 to 1.`);
    }
  }
  if (risk.action !== undefined && !ACTIONS.includes(risk.action)) {
    mistakes.push(`${path}.action: choose warn, suppress-field, stop-event or quarantine.`);
  }
  if (mistakes.length > before) return;
  for (const [warn, stop] of [["warnShare", "stopShare"], ["warnExposed", "stopExposed"]] as const) {
    const [least, greatest] = [risk[warn], risk[stop]] as (number | undefined)[];
    if (least !== undefined && greatest !== undefined && least > greatest) {
      mistakes.push(`${path}.${warn}: write a share that is not above ${stop}.`);
    }
  }
}

function checkInteger(
  path: string,
  risk: Members,
  name: string,
  min: number,
  max: number,
  mistakes: string[],
): void {
  const value = risk[name];
  if (value === undefined) return;
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    mistakes.push(`${path}.${name}: write a whole number from ${min} to ${max}.`);
  }
}
