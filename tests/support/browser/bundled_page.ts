/**
 * Modules of this folder as one file, for pages.
 *
 * @module
 */
const ROOT = new URL("../../../", import.meta.url);

/** Bundles one of them with Deno's own bundler. */
export async function bundlePage(module: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--config=tests/deno.json", "--platform=browser", "-o", `${folder}/page.js`],
        `tests/support/browser/${module}`,
      ],
      cwd: ROOT,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return await Deno.readTextFile(`${folder}/page.js`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
