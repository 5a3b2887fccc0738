/**
 * How esbuild finds the client's sources: under names that are the same on every machine, so that neither a comment nor a
 * source map says where the package was built.
 *
 * @module
 */
import type { Plugin } from "esbuild";
import ts from "typescript";
import { ENTRIES, ROOT } from "./entries.ts";

const NAMESPACE = "dit";
/** Modules that compute on a curve. */
const CURVE = /^(?:@noble\/curves\/|core\/voprf\/)/;
const NOBLE = /^(@noble\/\w+)\/(.*)$/;

interface DenoInfo {
  readonly npmPackages: Readonly<Record<string, { readonly name: string; readonly localPath: string }>>;
}

/** The folders of the npm packages that the entry points import, by name. */
export async function packageFolders(): Promise<ReadonlyMap<string, string>> {
  const folders = new Map<string, string>();
  for (const module of Object.values(ENTRIES)) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", ROOT + module],
      cwd: ROOT,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const { npmPackages }: DenoInfo = JSON.parse(new TextDecoder().decode(stdout));
    for (const { name, localPath } of Object.values(npmPackages)) folders.set(name, localPath);
  }
  return folders;
}

/**
 * A class's `#name` as a property that esbuild's `mangleProps` shortens: browsers of 2020 know no private fields, and what
 * stands for them there (a WeakMap each) is slow and large.
 */
export function withoutPrivateNames(source: string): string {
  const file = ts.createSourceFile("module.ts", source, ts.ScriptTarget.ESNext, true);
  let result = "";
  let from = 0;
  const visit = (node: ts.Node): void => {
    if (!ts.isPrivateIdentifier(node)) return ts.forEachChild(node, visit);
    if (ts.isBinaryExpression(node.parent)) throw new Error(`Cannot replace ${node.parent.getText()}`);
    result += `${source.slice(from, node.getStart())}_$_${node.text.slice(1)}`;
    from = node.getEnd();
  };
  visit(file);
  return result + source.slice(from);
}

/** What {@linkcode withoutPrivateNames} leaves, for `mangleProps`. */
export const PRIVATE_PROPERTIES = /^_\$_/;

/** A module with what it loads when needed among what it always loads: for what is one file anyway. */
function withoutDynamicImports(source: string): string {
  const statics: string[] = [];
  const rest = source.replace(/(?<!typeof )\bimport\(("[^"]+")\)/g, (_, specifier) => {
    statics.push(`import * as _needed${statics.length} from ${specifier};`);
    return `Promise.resolve(_needed${statics.length - 1})`;
  });
  return statics.join("") + rest;
}

/** Reads modules of the repository and of noble; `isOneFile`: what is made of them loads nothing later. */
export function sources(folders: ReadonlyMap<string, string>, isOneFile: boolean): Plugin {
  return {
    name: "sources",
    setup(build) {
      const inNamespace = (path: string) => ({ path, namespace: NAMESPACE, sideEffects: false });
      build.onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return inNamespace(path);
        if (path.startsWith("node:")) return { path, external: true };
        // A module is in one chunk whole: a copy for the curve keeps SHA-512 out of what every page loads.
        if (path === "@noble/hashes/sha2.js" && CURVE.test(importer)) return inNamespace(`${path}?512`);
        if (NOBLE.test(path)) return inNamespace(path);
        // Within a package and within the repository alike.
        if (path.startsWith(".")) return inNamespace(new URL(path, `file:///${importer}`).pathname.slice(1));
        return { errors: [{ text: `${importer} imports ${path}, which the package does not carry` }] };
      });
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => {
        const [, name = "", file = ""] = NOBLE.exec(path) ?? [];
        if (name === "") {
          const contents = withoutPrivateNames(await Deno.readTextFile(ROOT + path));
          return { contents: isOneFile ? withoutDynamicImports(contents) : contents, loader: "ts" };
        }
        const contents = await Deno.readTextFile(`${folders.get(name)}/${file.replace(/\?.*/, "")}`);
        return { contents: contents.replace(/\/\/# sourceMappingURL=.*/, ""), loader: "js" };
      });
    },
  };
}
