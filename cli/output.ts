// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * What commands print alike: JSON for programs, and colour for what a state means where a person reads it on a terminal.
 *
 * @module
 */
import { styleText } from "node:util";

/** Prints a value for programs. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}

/** What a state means. */
export type Meaning = "good" | "warning" | "bad" | "over";

const COLOURS = { good: "green", warning: "yellow", bad: "red", over: "gray" } as const;

/** A text in the colour of what it means; as it is where standard output is no terminal, or NO_COLOR is set. */
export function coloured(text: string, meaning: Meaning | undefined): string {
  if (meaning === undefined || Deno.noColor || !Deno.stdout.isTerminal()) return text;
  return styleText(COLOURS[meaning], text, { validateStream: false });
}
