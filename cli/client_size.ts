// deno-lint-ignore-file no-console -- its output is what it is for.
/**
 * What the client adds to a page: createClient with ristretto255 and the browser's storage, in one file, bundled and
 * tree-shaken by esbuild, minified by terser, gzipped. Fails when that is more than its limit.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { minify } from "terser";

/** 26 KiB. */
const LIMIT = 26 * 1024;

/** Bundles what an entry exports; gives the code minified, and its bytes minified and gzipped. */
async function measure(source: string): Promise<{ minified: number; gzipped: number }> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(entry, source);
    const { success, errors, outputFiles } = await Deno.bundle({
      entrypoints: [entry],
      platform: "browser",
      minify: true,
      write: false,
    });
    if (!success) throw new Error(errors.map(({ text }) => text).join("\n"));
    const bundled = outputFiles![0]!.text();
    const { code } = await minify(bundled, {
      module: true,
      ecma: 2020,
      compress: { passes: 3 },
      // Licences stand in the package.
      format: { comments: false },
    });
    return { minified: code!.length, gzipped: gzipSync(code!, { level: 9 }).length };
  } finally {
    await Deno.remove(entry);
  }
}

const client = import.meta.resolve("../client/mod.ts");
const parts: Record<string, string> = {
  "client and browser storage": `export { browserStorage, createClient } from "${client}";`,
  "client alone": `export { createClient } from "${client}";`,
};
let status = 0;
for (const [name, source] of Object.entries(parts)) {
  const { minified, gzipped } = await measure(source);
  console.log(`${name}: ${minified} bytes minified, ${gzipped} gzipped (limit ${LIMIT})`);
  if (gzipped > LIMIT) status = 1;
}
Deno.exit(status);
