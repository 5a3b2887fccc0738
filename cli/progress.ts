/** Shows on standard error how far something is: a bar on a terminal; elsewhere (a file, CI) only its end. */
export function showProgress(done: number, total: number, what: string): void {
  const width = 40;
  const filled = Math.round(width * done / total);
  const bar = "#".repeat(filled) + "-".repeat(width - filled);
  const text = `\r[${bar}] ${done} of ${total} ${what}${done === total ? "\n" : ""}`;
  if (Deno.stderr.isTerminal() || done === total) Deno.stderr.writeSync(new TextEncoder().encode(text));
}
