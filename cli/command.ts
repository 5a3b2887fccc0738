// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * What every command does alike: it explains itself when asked, refuses what it does not know, and turns a person's
 * mistakes into sentences. Exit codes are those of {@linkcode EXIT} (docs/operating.md).
 *
 * @module
 */
import { mistakesOf } from "../boot/start_errors.ts";
import { CommandError } from "./admin_api.ts";
import { helpOfCommand, helpOfSubcommand } from "./help.ts";
import { isUsed, quoted, readArguments, UsageError } from "./options.ts";
import type { Command } from "./subcommand.ts";

/** How a command ends. */
export const EXIT = {
  /** It was not done, and a sentence says why. */
  failed: 1,
  /** It was called wrongly: an option, a word or a value that it does not know. */
  usage: 2,
  /** It was done, and what it found is not as it should be. */
  found: 3,
} as const;

/** Runs a command with the arguments of this process. A mistake ends it with its sentences. */
export async function runCommand(command: Command): Promise<void> {
  try {
    const { name, rest } = findSubcommand(command, Deno.args);
    const chosen = name === undefined ? undefined : command.subcommands[name];
    if (isUsed(rest, "help", "h")) {
      return console.log(
        chosen === undefined || name === undefined
          ? helpOfCommand(command)
          : helpOfSubcommand(command, name, chosen),
      );
    }
    if (chosen === undefined || name === undefined) throw unknownSubcommand(command, rest);
    const called = `deno task ${command.name}${name === "" ? "" : ` ${name}`}`;
    await chosen.work(readArguments(called, chosen.options, rest));
  } catch (error) {
    const sentences = sentencesOf(error);
    if (sentences === undefined) throw error;
    for (const sentence of sentences) console.error(sentence);
    Deno.exit(command.exitCode?.(error) ?? (error instanceof UsageError ? EXIT.usage : EXIT.failed));
  }
}

/** Which subcommand is meant, and the arguments besides its name. */
function findSubcommand(
  { subcommands }: Command,
  args: readonly string[],
): { readonly name: string | undefined; readonly rest: readonly string[] } {
  const [first] = args;
  // The word comes first: what follows an option may be its value.
  if (first !== undefined && first !== "" && Object.hasOwn(subcommands, first)) {
    return { name: first, rest: args.slice(1) };
  }
  return { name: Object.hasOwn(subcommands, "") ? "" : undefined, rest: args };
}

function unknownSubcommand({ name, subcommands }: Command, [word]: readonly string[]): UsageError {
  const known = Object.keys(subcommands).join(", ");
  return new UsageError(
    word === undefined || word.startsWith("-")
      ? `Say what to do: deno task ${name} has ${known}. deno task ${name} --help explains them.`
      : `Unknown subcommand${quoted(word)}: deno task ${name} has ${known}. ` +
        `deno task ${name} --help explains them.`,
  );
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
