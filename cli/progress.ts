/** Shows how far something is: a bar on a terminal; elsewhere (a file, CI) only its end. */
export function showProgress(done: number, total: number, what: string): void {
  const width = 40;
  const filled = Math.round(width * done / total);
  const bar = "#".repeat(filled) + "-".repeat(width - filled);
  const text = `\r[${bar}] ${done} of ${total} ${what}`;
  if (Deno.stdout.isTerminal() || done === total) Deno.stdout.writeSync(new TextEncoder().encode(text));
}
