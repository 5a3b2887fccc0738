/**
 * Reads README.md and docs/*.md as a reader would: their headings, links, paths, and blocks of code.
 *
 * @module
 */

/** The root of the repository. */
export const ROOT = new URL("../../../", import.meta.url);

/** A block of code between fences. */
export interface CodeBlock {
  /** `sh`, `ts` and so on; empty when it says nothing. */
  readonly language: string;
  /** The name of the file that a reader saves it as: the word after the language. */
  readonly file: string | undefined;
  /** What is between the fences. */
  readonly text: string;
  /** The line of its first fence, from 1. */
  readonly line: number;
}

/** A page of documentation. */
export interface Page {
  /** Its path from the root. */
  readonly path: string;
  /** All of it. */
  readonly text: string;
  /** Its blocks of code, in order. */
  readonly blocks: readonly CodeBlock[];
  /** Everything else, with blocks of code as empty lines. */
  readonly prose: string;
}

/** README.md and every page in docs/, in order of their names. */
export async function readPages(): Promise<Page[]> {
  const names = await Array.fromAsync(Deno.readDir(new URL("docs/", ROOT)), ({ name }) => name);
  const paths = [
    "README.md",
    ...names.filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`),
  ];
  return await Promise.all(
    paths.map(async (path) => parsePage(path, await Deno.readTextFile(new URL(path, ROOT)))),
  );
}

/** Takes a page apart. Throws an `Error` if a block does not end. */
export function parsePage(path: string, text: string): Page {
  const blocks: CodeBlock[] = [];
  const prose: string[] = [];
  let open: { language: string; file: string | undefined; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^```(\S*)(?:\s+(\S+))?\s*$/.exec(line);
    prose.push(fence === null && open === undefined ? line : "");
    if (open !== undefined) {
      if (fence === null) open.lines.push(line);
      else {
        blocks.push({ ...open, text: open.lines.join("\n") });
        open = undefined;
      }
    } else if (fence !== null) {
      open = { language: fence[1]!, file: fence[2], line: index + 1, lines: [] };
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block of code does not end`);
  return { path, text, blocks, prose: prose.join("\n") };
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf({ prose }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of prose.matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = heading!.replace(/[`*_]|\[|\]\([^)]*\)/g, "").trim().toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The targets of a page's links. */
export function linksOf({ prose }: Page): string[] {
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** Paths of files and folders of this repository that a page names in code marks. */
export function pathsOf({ prose }: Page): string[] {
  const names = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!);
  return names.filter((name) =>
    /^(?:bench|boot|cli|client|core|docs|edge|examples|routes|tests)\/[\w./-]*$/.test(name) ||
    /^[\w]+\.(?:ts|md)$/.test(name)
  );
}

/** A command of a shell block: its lines without what stands behind a comment's sign. */
export interface Command {
  /** The page and line that it is from. */
  readonly place: string;
  /** The command; empty for a line that is only a comment. */
  readonly text: string;
  /** The comment. */
  readonly comment: string;
}

/** The commands of a shell block, in order; a backslash at the end of a line joins it with the next one. */
export function commandsOf(path: string, block: CodeBlock): Command[] {
  const commands: Command[] = [];
  let joined = "";
  for (const [index, line] of block.text.split("\n").entries()) {
    const { code, comment } = splitComment(line);
    if (code.endsWith("\\")) {
      joined += code.slice(0, -1);
      continue;
    }
    const text = (joined + code).trim();
    joined = "";
    if (text !== "" || comment !== "") {
      commands.push({ place: `${path}:${block.line + 1 + index}`, text, comment });
    }
  }
  return commands;
}

/** A comment begins with a `#` at the beginning of a word, outside of quotes. */
function splitComment(line: string): { code: string; comment: string } {
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!;
    if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === "#" && (at === 0 || /\s/.test(line[at - 1]!))) {
      return { code: line.slice(0, at).trimEnd(), comment: line.slice(at + 1).trim() };
    }
  }
  return { code: line.trimEnd(), comment: "" };
}
