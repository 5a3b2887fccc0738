// deno-lint-ignore-file no-console -- its output is what it is for.
/**
 * What the client adds to a page: `DitClient` with ristretto255, in one file, tree-shaken, minified and gzipped, as
 * esbuild does it (Deno's own bundler is esbuild) and as terser does it after that. Fails when esbuild's, which is what
 * most adopters get, is more than its limit.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { minify } from "terser";

const KIB = 1024;
/** Most bytes that the client and the browser's storage may add, minified by esbuild and gzipped. */
const LIMIT = 44 * KIB;

const CLIENT = import.meta.resolve("../client/mod.ts");
const PARTS: Readonly<Record<string, string>> = {
  "client and browser storage": `export { browserStorage, DitClient } from "${CLIENT}";`,
  "client alone": `export { DitClient } from "${CLIENT}";`,
};

/** Bundles and minifies what an entry exports, with esbuild. */
async function bundle(source: string): Promise<string> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(entry, source);
    const { success, errors, outputFiles = [] } = await Deno.bundle({
      entrypoints: [entry],
      platform: "browser",
      minify: true,
      write: false,
    });
    if (!success) throw new Error(errors.map(({ text }) => text).join("\n"));
    return outputFiles.map((file) => file.text()).join("");
  } finally {
    await Deno.remove(entry);
  }
}

async function withTerser(code: string): Promise<string> {
  const { code: smaller = code } = await minify(code, {
    module: true,
    ecma: 2020,
    compress: { passes: 3 },
    // Licences stand in the package.
    format: { comments: false },
  });
  return smaller;
}

const gzipped = (code: string) => gzipSync(code, { level: 9 }).length;
const inKib = (bytes: number) => `${(bytes / KIB).toFixed(1)} KiB`;

let isTooLarge = false;
for (const [name, source] of Object.entries(PARTS)) {
  const code = await bundle(source);
  const esbuild = gzipped(code);
  const terser = gzipped(await withTerser(code));
  console.log(`${name}: ${inKib(esbuild)} by esbuild (at most ${inKib(LIMIT)}), ${inKib(terser)} by terser`);
  isTooLarge ||= esbuild > LIMIT;
}
Deno.exit(isTooLarge ? 1 : 0);
