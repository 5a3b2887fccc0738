/**
 * What `--help` prints.
 *
 * @module
 */
import type { Command, Subcommand } from "./subcommand.ts";
import { named, type Option } from "./options.ts";

const WIDTH = 100;

/** The help of a command that has several subcommands. */
export function helpOfCommand(command: Command): string {
  const { name, help, subcommands } = command;
  const names = Object.keys(subcommands);
  return [
    ...names.map((subcommand, index) => {
      const usage = usageOf(command, subcommand, subcommands[subcommand]!);
      return wrapParts(usage, index === 0 ? "Usage: " : "       ", "           ");
    }),
    "",
    wrap(help),
    "",
    ...columns(names.map((subcommand) => [subcommand || "(none)", subcommands[subcommand]!.help])),
    "",
    `deno task ${name} SUBCOMMAND --help explains its options.`,
    exitCodesOf(command, Object.values(subcommands)),
  ].join("\n");
}

/** The help of one subcommand. */
export function helpOfSubcommand(command: Command, name: string, subcommand: Subcommand): string {
  const others = Object.keys(command.subcommands).filter((other) => other !== name);
  return [
    wrapParts(usageOf(command, name, subcommand), "Usage: ", "           "),
    ...name === "" && others.length > 0
      ? others.map((other) =>
        wrapParts(usageOf(command, other, command.subcommands[other]!), "       ", "           ")
      )
      : [],
    "",
    wrap(subcommand.help),
    "",
    ...columns([
      ...shown(subcommand).map(([option, it]): [string, string] => [named(option, it), explained(it)]),
      ["--help", "Prints this."],
    ]),
    "",
    exitCodesOf(command, [subcommand]),
  ].join("\n");
}

function explained({ help, default: byDefault, multiple }: Option): string {
  return [
    help,
    ...byDefault === undefined ? [] : [`Default: ${byDefault}.`],
    ...multiple ? ["May be given several times."] : [],
  ].join(" ");
}

function shown({ options }: Subcommand): [string, Option][] {
  return Object.entries(options).filter(([, { hidden }]) => !hidden);
}

/** The parts of a call, none of which is broken into two lines. */
function usageOf({ name }: Command, subcommand: string, it: Subcommand): string[] {
  const options = shown(it).map(([option, described]) => {
    const text = named(option, described);
    return `${described.required ? text : `[${text}]`}${described.multiple ? " ..." : ""}`;
  });
  return ["deno", "task", name, ...subcommand === "" ? [] : [subcommand], ...options];
}

function exitCodesOf({ exitCode }: Command, subcommands: readonly Subcommand[]): string {
  if (exitCode !== undefined) return "Exit codes: docs/operating.md.";
  const found = subcommands.map(({ found }) => found).filter((text) => text !== undefined);
  const codes = ["0 done", "1 not done", "2 called wrongly", ...found.map((text) => `3 ${text}`)];
  return `Exit codes: ${codes.join(", ")}.`;
}

/** Names with what they mean, in two columns. */
function columns(rows: readonly (readonly [name: string, text: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.map(([name, text]) => wrap(text, `  ${name}`.padEnd(width), " ".repeat(width)));
}

/** Breaks a text into lines, with something before the first and before the others. */
function wrap(text: string, first = "", others = ""): string {
  return wrapParts(text.split(" "), first, others);
}

function wrapParts([head = "", ...parts]: readonly string[], first: string, others: string): string {
  const lines: string[] = [];
  let line = first + head;
  for (const part of parts) {
    if (line.length + 1 + part.length > WIDTH) {
      lines.push(line);
      line = others + part;
    } else line += ` ${part}`;
  }
  return [...lines, line].join("\n");
}
