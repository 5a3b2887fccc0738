/**
 * What the checks of a configuration share: zod's schemas with one sentence a mistake, at the place where it is.
 *
 * @module
 */
import { z } from "zod";
import { isWellFormed } from "../../base/bytes.ts";
import { nextOf } from "../../schema/bounds.ts";

/** An object by the names of its members. */
export type Members = Readonly<Record<string, unknown>>;

/** Whether a value has named members: an object that is no list. */
export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Makes a check of a whole object run beside what is wrong with its members, so that people read all of it at once. */
export const BESIDE_OTHERS = { when: ({ value }: { value: unknown }) => isMembers(value) };

/** Says what is wrong, in a check of a whole: a sentence without its full stop, about the member at `path`. */
export function say(context: z.RefinementCtx<unknown>, path: readonly PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", message, path: [...path] });
}

/** Checks a part of a whole by a schema that only the whole knows. */
export function checkPart(
  context: z.RefinementCtx<unknown>,
  path: readonly PropertyKey[],
  schema: z.ZodType,
  value: unknown,
): void {
  for (const issue of schema.safeParse(value).error?.issues ?? []) {
    context.addIssue({ ...issue, path: [...path, ...issue.path] });
  }
}

/** What people name themselves: events, fields, questions. */
export interface ByName {
  /** What each of them is. */
  readonly definition: z.ZodType;
  /** What to do where there is no object of them. */
  readonly sentence: string;
  /** What is wrong with a name: a sentence each. */
  readonly checkName: (name: string) => readonly string[];
}

/**
 * An object of definitions by names. zod's records pass over a member `__proto__`, and over what a wrong name is given
 * to; here all are checked.
 */
export function byName({ definition, sentence, checkName }: ByName) {
  return z.custom<Members>(isMembers, sentence).superRefine((members, context) => {
    for (const [name, value] of Object.entries(members)) {
      for (const mistake of checkName(name)) say(context, [name], mistake);
      checkPart(context, [name], definition, value);
    }
  });
}

const NAME = /^[a-z][a-z0-9_]{0,62}$/;

/** What is wrong with the name of an event, a field or a question. */
export function checkSnakeName(name: string): string[] {
  return NAME.test(name) ? [] : ['name it with a-z, 0-9 and "_", a letter first, at most 63 characters'];
}

/** A whole number. A later check does not name one that is out of range a second time. */
export function integer(min: number, max: number) {
  const error = `write a whole number from ${min} to ${max}`;
  return z.int(error).min(min, { error, abort: true }).max(max, { error, abort: true });
}

/** A number, and what to do where it is none from `min` to `max`. */
export function numberFrom(min: number, max: number, error: string) {
  return z.number(error).min(min, { error, abort: true }).max(max, { error, abort: true });
}

/** How a sentence offers another number of a list. */
export interface Offer {
  /** Which way less is told of a person. */
  readonly direction: "up" | "down";
  /** What the next one is that way: "coarser". */
  readonly as: string;
  /** What to do where there is none that way. */
  readonly beyond: string;
}

/** A number of a list, and where it is none of them, the next one that tells less of a person. */
export function oneOf(list: readonly number[], { direction, as, beyond }: Offer) {
  const error = ({ input }: { readonly input?: unknown }) => {
    const next = Number.isFinite(input) ? nextOf(list, input as number, direction) : undefined;
    const said = next === undefined ? beyond : `the next ${as} than ${input} is ${next}`;
    return `choose ${offer(list.map(String))}${Number.isFinite(input) ? `; ${said}` : ""}`;
  };
  return z.custom<number>((value) => list.includes(value as number), { error });
}

/** A share. */
export const share = numberFrom(0, 1, "write a share from 0 to 1");

/** A text of at least one character, and what to do where it is none. */
export function text(error: string, max = Infinity) {
  return z.string(error).min(1, error).max(max, error).refine(isWellFormed, error);
}

/** Names as a sentence offers them: "a, b or c". */
export function offer(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** One sentence for each mistake in a value; `path` names its place. */
export function sentencesOf(schema: z.ZodType, value: unknown, path: readonly PropertyKey[] = []): string[] {
  const issues = schema.safeParse(value).error?.issues ?? [];
  return [...new Set(issues.map((issue) => describe(issue, [...path, ...issue.path])))];
}

function describe(issue: z.core.$ZodIssue, path: readonly PropertyKey[]): string {
  const place = path.length === 0 ? "dit.config.ts" : path.join(".");
  if (issue.code === "unrecognized_keys") {
    return `${place}: remove ${issue.keys.map((key) => `"${key}"`).join(", ")}, which no setting is called.`;
  }
  return `${place}: ${issue.message}.`;
}
