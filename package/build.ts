// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * Builds the npm package `@dit/client`: `deno task package [folder]` writes its files below `folder/client/`, `dist/` by
 * default, and packs them beside that.
 *
 * @module
 */
import { build, type BuildOptions, stop } from "esbuild";
import { ENTRIES, ROOT } from "./entries.ts";
import { manifestOf, stubOf } from "./manifest.ts";
import { packageFolders, PRIVATE_PROPERTIES, sources } from "./sources.ts";
import { declarations } from "./types.ts";

/** Where the package's file is that pages load with a `<script>`, and the digest that they name it with. */
const IIFE = "iife/dit.js";

/** Files of the package by their paths. */
type Files = Map<string, string | Uint8Array>;

/** Bundles what is to be had, for browsers of 2020 and what has come after. */
async function bundle(folders: ReadonlyMap<string, string>, options: BuildOptions): Promise<Files> {
  const { outputFiles = [] } = await build({
    bundle: true,
    target: "es2020",
    charset: "utf8",
    sourcemap: true,
    legalComments: "eof",
    treeShaking: true,
    mangleProps: PRIVATE_PROPERTIES,
    mangleCache: {},
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
    plugins: [sources(folders, options.splitting !== true)],
    outdir: "/",
    write: false,
    logLevel: "error",
    ...options,
  });
  return new Map(
    outputFiles.map(({ path, text }) => [path.slice(1), text.replaceAll("@dit/service", "@dit/client")]),
  );
}

/** Everything that is in the package. */
async function packageFiles(): Promise<Files> {
  const files: Files = new Map();
  const folders = await packageFolders();
  const entryPoints = ENTRIES as Record<string, string>;
  const put = (folder: string, some: Files) => {
    for (const [path, content] of some) files.set(folder + path, content);
  };
  // The curve is a chunk of its own, which is loaded when the first token is needed.
  const esm: BuildOptions = {
    entryPoints,
    format: "esm",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
  };
  put("esm/", await bundle(folders, esm));
  put("cjs/", await bundle(folders, { entryPoints, format: "cjs", platform: "node" }));
  const iife = await bundle(folders, {
    entryPoints: { dit: "client/mod.ts" },
    format: "iife",
    globalName: "dit",
    minify: true,
  });
  put("iife/", iife);
  files.set("cjs/package.json", '{ "type": "commonjs" }\n');
  for (const [path, text] of await declarations()) {
    for (const folder of ["esm", "cjs"]) files.set(`${folder}/${path}.d.ts`, text);
  }
  const code = new TextEncoder().encode(String(files.get(IIFE)));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", code));
  files.set("iife/integrity.txt", `sha384-${digest.toBase64()}\n`);
  for (const name of Object.keys(ENTRIES)) {
    if (name !== "index") files.set(`${name}/package.json`, stubOf(name));
  }
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  files.set("package.json", manifestOf(version));
  for (const file of ["README.md", "CHANGELOG.md"]) {
    files.set(file, await Deno.readTextFile(`${ROOT}client/${file}`));
  }
  files.set("LICENSE", await Deno.readTextFile(`${ROOT}LICENSE`));
  // Their code is in the bundles.
  files.set(
    "LICENSE-noble",
    await Deno.readTextFile(`${folders.get("@noble/curves")}/LICENSE`),
  );
  return files;
}

/** Writes the package's files and packs them; the path of the packed file. */
async function writePackage(folder: string): Promise<string> {
  const target = `${folder}/client`;
  await Deno.remove(target, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  for (const [path, content] of await packageFiles()) {
    const file = `${target}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(file, content);
    else await Deno.writeFile(file, content);
  }
  const { success, stdout, stderr } = await new Deno.Command("npm", {
    args: ["pack", "--json", "--ignore-scripts", "--pack-destination", ".."],
    cwd: target,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const packed = JSON.parse(new TextDecoder().decode(stdout));
  const [first] = Object.values<{ filename: string }>(packed);
  if (first === undefined) throw new Error("npm packed nothing");
  return `${folder}/${first.filename}`;
}

if (import.meta.main) {
  try {
    console.log(await writePackage(Deno.args[0] ?? `${ROOT}dist`));
  } finally {
    await stop();
  }
}
