/**
 * Starting the implementations that `bench/crypto.ts` compares, and asking them.
 *
 * @module
 */

const encoder = new TextEncoder();

/** How to start an implementation. */
export interface Launch {
  readonly command: string;
  readonly args: string[];
  /** Where to start it, since a configuration of its own lies there. */
  readonly cwd: URL;
}

/** A running implementation: answers a line with a line (bench/contenders/serve.ts). */
export class ContenderProcess {
  readonly #child: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#requests = child.stdin.getWriter();
    this.#answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /**
   * Starts an implementation and asks for its `check`.
   * @throws {Error} With the first line that it left on standard error, if it does not come up.
   */
  static async start(launch: Launch): Promise<{ contender: ContenderProcess; check: string }> {
    const child = new Deno.Command(launch.command, {
      args: launch.args,
      cwd: launch.cwd,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const complaint = new Response(child.stderr).text();
    const contender = new ContenderProcess(child);
    try {
      return { contender, check: await contender.ask("check") };
    } catch {
      const lines = (await complaint).split("\n").filter((line) => /error|refused|not find/i.test(line));
      throw new Error(lines[0] ?? `exit code ${(await child.status).code}`);
    }
  }

  /** Sends a line and waits for its answer. */
  async ask(line: string): Promise<string> {
    await this.#requests.write(encoder.encode(line + "\n"));
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#answers.read();
      if (done) throw new Error("the process ended");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const answer = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return answer;
  }

  /** Ends the process by ending its input. */
  async stop(): Promise<void> {
    await this.#requests.close();
    await this.#answers.cancel();
    await this.#child.status;
  }
}
