// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * What every command does alike: it prints how it is used when asked, refuses what it does not know, and turns a person's
 * mistakes into sentences.
 *
 * @module
 */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { mistakesOf } from "../boot/start_errors.ts";
import { CommandError } from "./admin_api.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The values of options, and what stood between them. */
export type Given<T extends Options> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true; strict: true }>
>;

/** A command. */
export interface Command<T extends Options> {
  /** How it is used: lines for a person. */
  readonly use: string;
  /** The options that it knows. */
  readonly options: T;
  /** How many words it takes besides options; none by default. */
  readonly words?: number;
  /** Its exit code for a person's mistake; 1 by default. */
  readonly exitCode?: (error: unknown) => number;
  /** Does it. */
  readonly work: (given: Given<T>) => Promise<void>;
}

/** Runs a command with the arguments of this process. A mistake ends it with its sentences. */
export async function runCommand<T extends Options>(
  { use, options, words = 0, exitCode = () => 1, work }: Command<T>,
): Promise<void> {
  try {
    if (Deno.args.includes("--help") || Deno.args.includes("-h")) return console.log(use);
    await work(parse(use, options, words));
  } catch (error) {
    const sentences = sentencesOf(error);
    if (sentences === undefined) throw error;
    for (const sentence of sentences) console.error(sentence);
    Deno.exit(exitCode(error));
  }
}

/** What to tell a person about an error; undefined where it is nobody's mistake. */
function sentencesOf(error: unknown): readonly string[] | undefined {
  if (error instanceof CommandError) return [error.message];
  return brokenConnection(error) ?? mistakesOf(error);
}

/** A sentence for what `fetch()` and the bodies that it gives throw where a server is not there, or not any more. */
function brokenConnection(error: unknown): readonly string[] | undefined {
  if (!(error instanceof Error)) return undefined;
  const said = [error, error.cause].map((one) => one instanceof Error ? one.message : "").join("; ");
  if (!/^(?:fetch failed|error sending request|error reading a body|connection )/i.test(said)) {
    return undefined;
  }
  const [origin] = /https?:\/\/[^/\s)]+/.exec(said) ?? [];
  return [
    origin === undefined
      ? "A connection broke off: see that the service still runs."
      : `Nothing answers at ${origin}: see that a service runs there.`,
  ];
}

function parse<T extends Options>(use: string, options: T, words: number): Given<T> {
  let given: Given<T>;
  try {
    given = parseArgs({ args: Deno.args, options, allowPositionals: true, strict: true });
  } catch (error) {
    // It explains how one would write it if it were no option.
    const [reason = ""] = (error as Error).message.split(/\. (?=To )/, 1);
    throw new CommandError(`${reason.replace(/\.$/, "")}.\n${use}`);
  }
  const unknown = given.positionals[words];
  if (unknown !== undefined) throw new CommandError(`Nobody knows what ${unknown} is for here.\n${use}`);
  return given;
}
