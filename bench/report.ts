// deno-lint-ignore-file no-console -- a bench speaks to a person.
import { environment } from "./environment.ts";

/** Where the results are kept, and where the figures that are to be reached stand. */
const PAGE = new URL("../docs/measurements.md", import.meta.url);
const FIGURES = new URL("../docs/performance.md", import.meta.url);

/**
 * What a bench says. It is printed as it comes; with `--write` among the arguments it becomes the bench's part of
 * docs/measurements.md, between the comments `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, and its figures go into the
 * table of docs/performance.md.
 */
export class Report {
  /** Whether results shall be kept. */
  readonly keeps: boolean = Deno.args.includes("--write");
  readonly #name: string;
  readonly #said: string[] = [];
  readonly #figures = new Map<string, string>();

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

  /** Says a figure that is to be reached, by its name in the first column of docs/performance.md. */
  figure(name: string, value: number, digits: number): void {
    this.#figures.set(name, value.toFixed(digits));
    console.log(`${name}: ${value.toFixed(digits)}`);
  }

  /** Keeps what was said, if it shall be kept. */
  async keep(): Promise<void> {
    if (!this.keeps) return;
    const [begin, end] = [`<!-- ${this.#name} -->`, `<!-- /${this.#name} -->`];
    const page = await Deno.readTextFile(PAGE);
    const [before, rest] = page.split(begin, 2);
    const after = rest?.split(end, 2)[1];
    if (after === undefined) throw new Error(`docs/measurements.md has no place for it: ${begin} ... ${end}`);
    await Deno.writeTextFile(
      PAGE,
      [before, begin, "\n\n", this.#said.join("\n\n"), "\n\n", end, after].join(""),
    );
    let table = await Deno.readTextFile(FIGURES);
    for (const [name, value] of this.#figures) {
      const row = table.split("\n").find((line) => line.split("|")[1]?.trim() === name);
      if (row === undefined) throw new Error(`docs/performance.md has no row "${name}"`);
      table = table.replace(row, row.split("|").with(2, ` ${value} `).join("|"));
    }
    await Deno.writeTextFile(FIGURES, table);
    const args = ["fmt", "--quiet", PAGE.pathname, FIGURES.pathname];
    await new Deno.Command(Deno.execPath(), { args }).output();
  }
}
