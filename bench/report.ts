// deno-lint-ignore-file no-console -- a bench speaks to a person.
import { environment } from "./environment.ts";

/** Where the results are kept. */
const PAGE = new URL("../docs/performance.md", import.meta.url);

/**
 * What a bench says. It is printed as it comes; with `--write` among the arguments it becomes the bench's part of
 * docs/performance.md, between the comments `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
 */
export class Report {
  /** Whether results shall be kept. */
  readonly keeps: boolean = Deno.args.includes("--write");
  readonly #name: string;
  readonly #said: string[] = [];

  /** Begins with where and when; `conditions` says what else belongs there, such as the number of rounds. */
  constructor(name: string, conditions: string) {
    this.#name = name;
    this.say(`\`deno task ${name}\`, ${environment()}; ${conditions}.`);
  }

  /** Says a paragraph or a table. */
  say(text: string): void {
    console.log(`${text}\n`);
    this.#said.push(text);
  }

  /** Keeps what was said, if it shall be kept. */
  async keep(): Promise<void> {
    if (!this.keeps) return;
    const [begin, end] = [`<!-- ${this.#name} -->`, `<!-- /${this.#name} -->`];
    const page = await Deno.readTextFile(PAGE);
    const [before, rest] = page.split(begin, 2);
    const after = rest?.split(end, 2)[1];
    if (after === undefined) throw new Error(`docs/performance.md has no place for it: ${begin} ... ${end}`);
    await Deno.writeTextFile(
      PAGE,
      [before, begin, "\n\n", this.#said.join("\n\n"), "\n\n", end, after].join(""),
    );
    await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE.pathname] }).output();
  }
}
