/**
 * Which file imports which, as Deno itself resolves it: static, dynamic, re-exported and type-only imports alike.
 *
 * @module
 */

/** The imports of each file. A file of the root by its path from there, anything else as it is written. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** It knows the packages of the tests too. */
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

interface Resolved {
  readonly specifier?: string;
}

interface Dependency {
  readonly specifier: string;
  readonly code?: Resolved;
  readonly type?: Resolved;
}

interface DenoInfo {
  readonly modules: readonly { readonly specifier: string; readonly dependencies?: readonly Dependency[] }[];
}

/**
 * Reads the imports of some files with `deno info --json`.
 *
 * @param root The folder that paths start from, with a `/` at its end.
 * @param files Paths from there; files of the root that they reach are read too.
 * @throws {Error} If Deno cannot read one of them.
 */
export async function readImports(root: URL, files: readonly string[]): Promise<ImportGraph> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(entry, files.map((file) => `import "${new URL(file, root)}";\n`).join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", `--config=${CONFIG}`, entry],
      cwd: root,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const info: DenoInfo = JSON.parse(new TextDecoder().decode(stdout));
    return new Map(
      info.modules
        .filter(({ specifier }) => specifier.startsWith(root.href))
        .map(({ specifier, dependencies = [] }) => [
          specifier.slice(root.href.length),
          dependencies.flatMap(({ specifier: written, code, type }) =>
            [code, type].flatMap((resolved) => {
              if (resolved === undefined) return [];
              const target = resolved.specifier;
              return target?.startsWith(root.href) ? target.slice(root.href.length) : written;
            })
          ),
        ]),
    );
  } finally {
    await Deno.remove(entry);
  }
}

/** The folder of a file; empty for the root. */
export function folderOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf("/"), 0));
}

/** Pairs of folders of which each imports the other, as `a <-> b`. */
export function mutualFolders(graph: ImportGraph): string[] {
  const arrows = new Set<string>();
  for (const [file, imports] of graph) {
    for (const target of imports) {
      if (graph.has(target)) arrows.add(`${folderOf(file)} -> ${folderOf(target)}`);
    }
  }
  return [...arrows].flatMap((arrow) => {
    const [from = "", to = ""] = arrow.split(" -> ");
    return from < to && arrows.has(`${to} -> ${from}`) ? `${from || "(root)"} <-> ${to}` : [];
  }).sort();
}

/** Circles of files, each as its files in order of their names: two files are in one if each reaches the other. */
export function circles(graph: ImportGraph): string[] {
  const reached = new Map([...graph.keys()].map((file) => [file, reachedFrom(file, graph)]));
  const found = new Set<string>();
  for (const [file, others] of reached) {
    if (!others.has(file)) continue;
    const circle = [...others].filter((other) => reached.get(other)?.has(file));
    found.add(circle.sort().join(" - "));
  }
  return [...found];
}

/** All that a file imports, directly or through others: itself only if it is in a circle. */
export function reachedFrom(file: string, graph: ImportGraph): Set<string> {
  const reached = new Set<string>();
  const waiting = [...graph.get(file) ?? []];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...graph.get(next) ?? []);
  }
  return reached;
}
