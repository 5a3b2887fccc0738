/**
 * A clock of a running process that a test moves: libfaketime reads how far it is off from a file, again at each look.
 * Only the wall's clock moves, the monotonic one goes on.
 *
 * @module
 */

/** Where Debian's package `libfaketime` puts the library for programs with several threads. */
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((machine) =>
  `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`
);

/** Such a clock. */
export interface MovedClock {
  /** Variables with which a process runs by this clock. */
  readonly env: Readonly<Record<string, string>>;
  /** Words to put before a command, so that it runs by this clock. */
  readonly command: readonly string[];
  /** Sets how many seconds it is ahead. */
  readonly set: (seconds: number) => void;
}

/**
 * The library's path, or undefined where it is not installed.
 * @throws {Error} If it is not, and `CI` is set: there a test that passes over would be a test that cannot fail.
 */
export function findFaketime(): string | undefined {
  const found = LIBRARIES.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  if (found === undefined && Deno.env.get("CI")) {
    throw new Error("libfaketime is not installed (apt-get install faketime), so no clock can be moved");
  }
  return found;
}

/** Makes a clock that is right until it is set; `file` is where it keeps how far it is off. */
export function movedClock(library: string, file: string): MovedClock {
  const set = (seconds: number) => {
    // A process that reads half a file would live in another year.
    Deno.writeTextFileSync(`${file}.new`, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}\n`);
    Deno.renameSync(`${file}.new`, file);
  };
  set(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return { env, command: ["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`)], set };
}
