/**
 * What the user of a command line program is told before anything is collected.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

/** What a notice says. */
export interface NoticeParts {
  /** The program, as a person types it. */
  readonly program: string;
  /** What is collected, in words that end the sentence "It collects ...". */
  readonly collects: string;
  /** Where there is more to read. */
  readonly moreAt?: string | undefined;
  /** The flag that turns telemetry off for one run. */
  readonly flag: string;
  /** What else its user can do, as a sentence. */
  readonly turnOff?: string | undefined;
}

/** The text: what is collected, and how to have nothing collected. */
export function noticeOf({ program, collects, moreAt, flag, turnOff }: NoticeParts): string {
  return [
    `${program} sends telemetry that cannot be linked to you. It collects ${collects}.`,
    `Nothing was collected in this run. To turn it off: ${program} ${flag} for one run, DO_NOT_TRACK=1 in the ` +
    `environment for all.${turnOff === undefined ? "" : ` ${turnOff}`}`,
    ...moreAt === undefined ? [] : [`More: ${moreAt}`],
    "",
  ].join("\n");
}

/**
 * Whether the user was told this before this run. If not, it is told now, on stderr, and never again: unless it says
 * something else. Where that cannot be remembered, nothing is told, and nobody has been.
 */
export function wasTold(folder: string, notice: string): boolean {
  const file = `${folder}/notice.txt`;
  try {
    const told = textOf(file);
    if (told === notice) return true;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Of two first runs at once, one tells it.
    writeFileSync(file, notice, { flag: told === undefined ? "wx" : "w", mode: 0o600 });
    process.stderr.write(notice);
  } catch {
    // A folder that cannot be written.
  }
  return false;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
