/**
 * The place of a process among those that answer on one port: which one it is, of how many, and where they reach each
 * other. The launcher says it as arguments.
 *
 * @module
 */

/** What the processes on one port share. */
export interface SharedPlace {
  /** How many they are. */
  readonly count: number;
  /** The folder of their sockets, which nobody else may open. */
  readonly folder: string;
}

/** The place of one of them. */
export interface Place extends SharedPlace {
  /** Its number, from 1. */
  readonly number: number;
  /** Whether it is the first of all to start: then nobody else may listen on the port. */
  readonly isFirst: boolean;
}

/** The numbers of all that share a place. */
export function numbersOf({ count }: SharedPlace): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** The socket of one of them. */
export function socketOf({ folder }: SharedPlace, number: number): string {
  return `${folder}/${number}.sock`;
}

/** The arguments that say it. */
export function placeArguments({ number, count, folder, isFirst }: Place): string[] {
  return [`--process=${number}/${count}`, `--sockets=${folder}`, ...isFirst ? ["--first"] : []];
}

/** Reads them; undefined where the process is alone on its port. */
export function readPlace(args: readonly string[]): Place | undefined {
  const valueOf = (name: string) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const [, number, count] = /^([1-9][0-9]*)\/([1-9][0-9]*)$/.exec(valueOf("process") ?? "") ?? [];
  const folder = valueOf("sockets");
  if (number === undefined || folder === undefined) return undefined;
  return { number: Number(number), count: Number(count), folder, isFirst: args.includes("--first") };
}

/** What a process has to be allowed for it, in the words of Deno's flags. */
export function needsOfPlace(place: SharedPlace): { net: string[]; read: string[]; write: string[] } {
  return {
    net: numbersOf(place).map((number) => `unix:${socketOf(place, number)}`),
    read: [place.folder],
    write: [place.folder],
  };
}
