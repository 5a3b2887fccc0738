/**
 * What is left behind by a process of tests that is interrupted or killed: whatever it started itself.
 *
 * @module
 */

/** Waits for the end of the process `$1`, whatever it is that ends it; a terminal's signals reach everybody in its group. */
const WATCH =
  `pid=$1; shift; (trap "" INT TERM HUP; tail --pid="$pid" -f /dev/null; SCRIPT) </dev/null >/dev/null 2>&1 &`;

/** Has a shell run `script` with `args` as `$1`, `$2`, ... once this process has ended, however that was. */
export async function atOurEnd(script: string, ...args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command("setsid", {
    args: ["sh", "-c", WATCH.replace("SCRIPT", script), "sh", `${Deno.pid}`, ...args],
    cwd: "/",
  }).output();
  if (!success) throw new Error("Nobody watches for the end of this process.");
}
