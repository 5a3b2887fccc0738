import type { Launch } from "./process.ts";

/**
 * Compiles bench/native/redeem.c into `directory`.
 * @throws {Error} Naming what is missing: a C compiler, or libsodium's headers and library.
 */
export async function compileNative(directory: string): Promise<Launch> {
  const source = new URL("../native/", import.meta.url);
  const program = `${directory}/redeem`;
  let compiled: Deno.CommandOutput;
  try {
    compiled = await new Deno.Command("cc", {
      args: ["-O2", "-o", program, "redeem.c", "-lsodium"],
      cwd: source,
      stderr: "piped",
    }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error("no C compiler (cc) is installed");
    throw error;
  }
  if (!compiled.success) {
    const complaint = new TextDecoder().decode(compiled.stderr);
    throw new Error(/sodium/.test(complaint) ? "libsodium-dev is not installed" : complaint.split("\n")[0]);
  }
  return { command: program, args: [], cwd: source };
}
