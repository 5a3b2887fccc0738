/**
 * A terminal as a reader of the documents has it: commands go into one shell, and what serves goes into another window
 * with the same variables, until Ctrl-C.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

/** What a command did. */
export interface Ran {
  /** Its exit code. */
  readonly code: number;
  /** What it wrote, both streams together. */
  readonly output: string;
}

const END = "end-of-command-";

/** A shell in a folder. */
export class Terminal implements AsyncDisposable {
  readonly #folder: string;
  readonly #shell: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #served: Deno.ChildProcess | undefined;
  #servedOutput = "";

  /** Opens a shell; `env` is its whole environment. */
  constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#shell = new Deno.Command("bash", {
      args: ["--noprofile", "--norc", "-c", "exec 2>&1; exec bash --noprofile --norc -s"],
      cwd: folder,
      clearEnv: true,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#shell.stdin.getWriter();
    this.#output = this.#shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Runs a command to its end. Variables that it sets stay. Throws an `Error` when it takes too long. */
  async run(command: string, timeoutMs = 600_000): Promise<Ran> {
    const end = END + crypto.randomUUID();
    const script = `{ ${command}\n} </dev/null; printf '\\n%s %d\\n' ${end} $?\n`;
    await this.#input.write(new TextEncoder().encode(script));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`It takes too long: ${command}`)), timeoutMs);
    });
    try {
      for (let output = "";;) {
        const match = new RegExp(`\\n${end} ([0-9]+)\\n`).exec(output);
        if (match !== null) return { code: Number(match[1]), output: output.slice(0, match.index) };
        const { done, value } = await Promise.race([this.#output.read(), late]);
        assert(!done, `The shell has ended in: ${command}\n${output}`);
        output += value;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts what serves, with the shell's exported variables, and waits until `isReady`. */
  async serve(command: string, isReady: () => Promise<boolean>): Promise<void> {
    assertEquals(this.#served, undefined, "something serves already");
    const { output } = await this.run("env -0 | base64 -w0");
    const text = new TextDecoder().decode(Uint8Array.fromBase64(output.trim()));
    const pairs = text.split("\0").filter((pair) => pair !== "").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    const served = new Deno.Command("bash", {
      args: ["--noprofile", "--norc", "-c", `exec 2>&1; ${command}`],
      cwd: this.#folder,
      clearEnv: true,
      env: Object.fromEntries(pairs),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      detached: true, // a process group of its own, as in a window of its own
    }).spawn();
    this.#served = served;
    this.#servedOutput = "";
    const reading = (async () => {
      for await (const text of served.stdout.pipeThrough(new TextDecoderStream())) this.#servedOutput += text;
    })();
    let ended = false;
    served.status.then(() => ended = true);
    for (let attempt = 0; !await isReady(); attempt++) {
      if (ended || attempt > 2_400) {
        await this.interrupt().catch(() => {});
        await reading;
        throw new Error(`It did not start: ${command}\n${this.#servedOutput}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Whether something serves. */
  get serves(): boolean {
    return this.#served !== undefined;
  }

  /** Presses Ctrl-C in the window that serves: every process in it gets the signal. Gives how that ended. */
  async interrupt(): Promise<Ran> {
    const served = this.#served;
    if (served === undefined) throw new Error("Nothing serves that could be interrupted.");
    await signal("INT", served.pid);
    const { code } = await served.status;
    this.#served = undefined;
    return { code, output: this.#servedOutput };
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#served !== undefined) {
      await signal("KILL", this.#served.pid);
      await this.#served.status;
    }
    await this.#input.close().catch(() => {});
    try {
      this.#shell.kill("SIGKILL");
    } catch {
      // It has ended with its input.
    }
    await this.#output.cancel().catch(() => {});
    await this.#shell.status;
  }
}

/** Sends a signal to a whole process group. */
async function signal(name: string, group: number): Promise<void> {
  await new Deno.Command("kill", { args: [`-${name}`, "--", `-${group}`], stderr: "null" }).output();
}
