/**
 * Programs that deploy/ is for, as Debian packages them.
 *
 * @module
 */

/** Runs a program to its end; undefined where there is none, which is said. */
export async function run(
  program: string,
  ...args: string[]
): Promise<{ code: number; output: string } | undefined> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
    const text = new TextDecoder();
    return { code, output: text.decode(stdout) + text.decode(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- whoever runs the tests has to know that nothing was tried.
    console.warn(`passed over: there is no ${program} here; .ci/run installs Debian's package`);
    return undefined;
  }
}
