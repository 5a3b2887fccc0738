import { assert, assertEquals } from "@std/assert";
import production from "../deno.json" with { type: "json" };
import development from "./deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);

interface Lock {
  readonly npm: Readonly<Record<string, unknown>>;
}

async function lockedPackages(path: string): Promise<Set<string>> {
  const { npm }: Lock = JSON.parse(await Deno.readTextFile(new URL(path, ROOT)));
  return new Set(Object.keys(npm));
}

/** The packages that a start of the service, a command or the client reaches. */
async function reachedPackages(): Promise<Set<string>> {
  const files = await Promise.all(["boot", "cli", "client"].map(async (folder) => {
    const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT)));
    return entries.filter(({ name }) => name.endsWith(".ts")).map(({ name }) => `${folder}/${name}`);
  }));
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const imported = ["main.ts", ...files.flat()];
    await Deno.writeTextFile(entry, imported.map((file) => `import "${new URL(file, ROOT)}";\n`).join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", `--config=${new URL("deno.json", ROOT).pathname}`, entry],
      cwd: ROOT,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const { npmPackages } = JSON.parse(new TextDecoder().decode(stdout));
    return new Set(Object.keys(npmPackages));
  } finally {
    await Deno.remove(entry);
  }
}

Deno.test("production's lock names what production imports and nothing else", async () => {
  // All that it names is downloaded by a first `deno task start`.
  assertEquals([...await lockedPackages("deno.lock")].toSorted(), [...await reachedPackages()].toSorted());
});

Deno.test("the tests run with production's packages, in the same versions", async () => {
  const both = development.imports as Record<string, string>;
  for (const [name, specifier] of Object.entries(production.imports)) {
    assertEquals(both[name], specifier, name);
  }
  const tested = await lockedPackages("tests/deno.lock");
  for (const name of await lockedPackages("deno.lock")) assert(tested.has(name), name);
});

Deno.test("the tests are checked, formatted and linted as production is", () => {
  assertEquals(development.compilerOptions, production.compilerOptions);
  assertEquals(development.unstable, production.unstable);
  assertEquals(development.lint.rules, production.lint.rules);
  assertEquals(development.fmt.lineWidth, production.fmt.lineWidth);
});

Deno.test("production's packages have less than 20 MB in all", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], cwd: ROOT })
    .output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  let bytes = 0;
  for (const name of await lockedPackages("deno.lock")) {
    // Behind a "_" stand the packages that it was chosen beside.
    const [, packageName, version] = /^(@?[^@]+)@([^@_]+)/.exec(name) ?? [];
    bytes += await sizeOf(await cachedFolder(npmCache, `${packageName}/${version}`));
  }
  assert(bytes > 1e6 && bytes < 20e6, `${bytes} bytes`);
});

/** Where a package is in the cache, which has a folder for each registry. */
async function cachedFolder(npmCache: string, name: string): Promise<string> {
  for await (const registry of Deno.readDir(npmCache)) {
    const folder = `${npmCache}/${registry.name}/${name}`;
    if (await Deno.stat(folder).then(({ isDirectory }) => isDirectory, () => false)) return folder;
  }
  throw new Error(`${name} is not in the cache.`);
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    bytes += isDirectory ? await sizeOf(path) : (await Deno.stat(path)).size;
  }
  return bytes;
}
