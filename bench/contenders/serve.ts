/**
 * The line protocol between `bench/crypto.ts` and the implementations that it compares. Each runs in a process of its
 * own, so that none profits from, or pays for, what the JIT learned from another. A request is a line
 * `<operation> <batch> <runs>`; the answer is the time of one token in microseconds, or `unsupported`. The request
 * `check` answers with the output for a fixed key and input, in hexadecimal, so that all are known to compute the same.
 *
 * @module
 */

/** Prepares an operation on a batch and gives the function whose time counts. */
export type Operation = (batch: number) => (() => unknown) | Promise<() => unknown>;

/** What an implementation offers. */
export interface Contender {
  /** The output of redeem for {@linkcode CHECK_KEY} and {@linkcode CHECK_INPUT}, in hexadecimal. */
  check(): string | Promise<string>;
  /** The most tokens of one call, if there is such a limit: a larger batch costs as much a token as this one. */
  readonly maxBatch?: number;
  /** Operations by name. */
  readonly operations: Readonly<Record<string, Operation>>;
}

/** The secret key of `check`: a small enough number in both suites. */
export const CHECK_KEY = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(1);

/** An input as long as that of a token (docs/protocol.md, section 3). */
export const CHECK_INPUT = new Uint8Array(98).fill(0x61);

/** As many different inputs as a batch has. */
export function inputsOf(batch: number): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: batch }, (_, index) => CHECK_INPUT.with(97, index & 0xff));
}

/** Answers every line of standard input with a line, one after the other, until it ends. */
export async function answerLines(answer: (line: string) => string | Promise<string>): Promise<void> {
  const encoder = new TextEncoder();
  let rest = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) await Deno.stdout.write(encoder.encode(await answer(line) + "\n"));
  }
}

/** Answers requests from standard input until it ends. */
export async function serve(contender: Contender): Promise<void> {
  const prepared = new Map<string, () => unknown>();
  const answer = async (line: string): Promise<string> => {
    if (line === "check") return await contender.check();
    const [name, tokens, runs] = line.split(" ") as [string, string, string];
    const operation = contender.operations[name];
    if (operation === undefined) return "unsupported";
    const batch = Math.min(Number(tokens), contender.maxBatch ?? Infinity);
    const key = `${name} ${batch}`;
    const run = prepared.get(key) ?? await operation(batch);
    prepared.set(key, run);
    const start = performance.now();
    for (let count = 0; count < Number(runs); count++) {
      const pending = run();
      // Only an asynchronous implementation pays for a promise.
      if (pending instanceof Promise) await pending;
    }
    return String((performance.now() - start) * 1000 / Number(runs) / batch);
  };
  await answerLines(answer);
}
