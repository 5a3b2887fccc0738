/**
 * The options of a command: what they are, and how arguments are read by them.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { parseDay } from "../core/base/time.ts";
import { CommandError } from "./admin_api.ts";

/** An option, as the help explains it. */
export interface Option {
  /** Whether a value follows it. */
  readonly type: "string" | "boolean";
  /** What stands for its value in the help: `DAY`. */
  readonly value?: string;
  /** What it says: a sentence for a person. */
  readonly help: string;
  /** Whether it may be given several times. */
  readonly multiple?: true;
  /** Its value where it is not given. */
  readonly default?: string;
  /** Whether nothing can be done without it. */
  readonly required?: true;
  /** Whether no help tells of it: programs give it, not people. */
  readonly hidden?: true;
}

/** Options by name. */
export type Options = Readonly<Record<string, Option>>;

/** What an option was given. */
type ValueOf<O extends Option> = O extends { readonly type: "boolean" } ? boolean
  : O extends { readonly multiple: true } ? readonly string[]
  : O extends { readonly required: true } | { readonly default: string } ? string
  : string | undefined;

/** What options were given, by name. */
export type Values<T extends Options> = { readonly [N in keyof T]: ValueOf<T[N]> };

/** A command was called wrongly. */
export class UsageError extends CommandError {
  override readonly name = "CommandError";
}

/** The option of one application. */
export const APP = { type: "string", value: "APP", help: "The application's id." } as const;
/** The option for programs. */
export const JSON_OUTPUT = {
  type: "boolean",
  help: "Prints JSON for programs in the place of text.",
} as const;
/** The option that goes on where it would be asked. */
export const YES = { type: "boolean", help: "Does it; without, it only says what it would do." } as const;

/** Whether an option is among arguments, by its name or its letter. */
export function isUsed(args: readonly string[], name: string, letter: string): boolean {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes(`--${name}`) || options.includes(`-${letter}`);
}

/**
 * Reads arguments by their options.
 * @param called How the command was called: `deno task keys list`.
 * @throws {UsageError} With one sentence where an option, a word or a value is not known or is missing.
 */
export function readArguments<T extends Options>(
  called: string,
  options: T,
  args: readonly string[],
): Values<T> {
  const explain = `${called} --help explains it.`;
  const { tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") {
      throw new UsageError(`Unknown word${quoted(token.value)}: ${explain}`);
    }
    if (token.kind === "option") readOption(token, options, { given, explain });
  }
  const values = Object.entries(options).map(([name, option]) => {
    const found = given.get(name);
    if (found === undefined && option.required) {
      throw new UsageError(`${named(name, option)} is missing: ${explain}`);
    }
    return [name, valueOf(option, found)];
  });
  return Object.fromEntries(values);
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function readOption(
  { name, rawName, value, inlineValue }: OptionToken,
  options: Options,
  { given, explain }: { readonly given: Map<string, string[]>; readonly explain: string },
): void {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) throw new UsageError(`Unknown option${quoted(rawName)}: ${explain}`);
  if (option.type === "boolean") {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value: ${explain}`);
    given.set(name, []);
    return;
  }
  // What looks like the next option is no value, unless it was said to be one: --reason=--.
  if (value === undefined || value === "" || (inlineValue !== true && value.startsWith("-"))) {
    throw new UsageError(`${named(name, option)} needs a value: ${explain}`);
  }
  if (given.has(name) && !option.multiple) throw new UsageError(`${rawName} is given twice: ${explain}`);
  given.set(name, [...given.get(name) ?? [], value]);
}

function valueOf({ type, multiple, default: byDefault }: Option, found: readonly string[] | undefined) {
  if (type === "boolean") return found !== undefined;
  return multiple ? found ?? [] : found?.[0] ?? byDefault;
}

/** The day of an argument. Throws {@linkcode UsageError} unless it is one. */
export function requireDay(text: string): string {
  if (parseDay(text) !== undefined) return text;
  throw new UsageError("Give --day a day, such as 2027-01-15.");
}

/** A word to be repeated to a person; nothing in the place of one that may be a URL with a password in it. */
export function quoted(word: string): string {
  return /[:@]/.test(word) ? "" : ` ${JSON.stringify(word)}`;
}

/** An option as one writes it: `--app APP`. */
export function named(name: string, { value }: Option): string {
  return `--${name}${value === undefined ? "" : ` ${value}`}`;
}
