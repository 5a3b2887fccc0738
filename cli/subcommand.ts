/**
 * What a command is made of.
 *
 * @module
 */
import type { Options, Values } from "./options.ts";

/** One thing that a command does. */
export interface Subcommand<T extends Options = Options> {
  /** What it does: a sentence for a person. */
  readonly help: string;
  /** The options that it knows. */
  readonly options: T;
  /** What exit code 3 says of it; undefined where it never ends so. */
  readonly found?: string;
  /** Does it. */
  work(values: Values<T>): void | Promise<void>;
}

/** A command: `deno task NAME SUBCOMMAND`, or `deno task NAME` for the subcommand without a name. */
export interface Command {
  /** The task's name; more than one where several tasks share the command. */
  readonly name: string;
  /** What it is for: a sentence. */
  readonly help: string;
  /** What it does, by name; `""` is what it does without a word. */
  readonly subcommands: Readonly<Record<string, Subcommand>>;
  /** Its exit code for a person's mistake; that of a mistake by default. */
  readonly exitCode?: (error: unknown) => number;
}

/** Keeps the types of a subcommand's options for its own `work`. */
export function subcommand<const T extends Options>(subcommand: Subcommand<T>): Subcommand {
  return subcommand as unknown as Subcommand;
}
