/** The npm package as its tools see it: types, files, syntax, size, the same bytes from everywhere. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildPackage, run } from "../sdk/runtimes.ts";
import { bundlerTests } from "./bundlers.ts";
import { makeProject, projectTest } from "./project.ts";

const project = await makeProject();
const { folder, packed } = project;
const installed = `${folder}/node_modules/@dit/client`;

async function filesOf(path: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) files.push(...await filesOf(`${path}/${name}`));
    else files.push(`${path}/${name}`);
  }
  return files;
}

Deno.test("the package has the same bytes from another folder, and says of none where it was built", async () => {
  const other = await Deno.makeTempDir();
  try {
    const again = await Deno.readFile(await buildPackage(other));
    const bytes = await Deno.readFile(packed);
    assertEquals(again.length, bytes.length);
    assert(again.every((byte, at) => byte === bytes[at]));
  } finally {
    await Deno.remove(other, { recursive: true });
  }
  const root = new URL("../../", import.meta.url).pathname;
  const cache = JSON.parse(await run([Deno.execPath(), "info", "--json"], root)).denoDir;
  for (const file of await filesOf(`${folder}/dist/client`)) {
    const text = await Deno.readTextFile(file);
    for (const place of [root, cache, folder]) assert(!text.includes(place), `${file} has ${place}`);
  }
});

Deno.test("the package carries no file of the server, and the digest of its script", async () => {
  const files = (await filesOf(`${folder}/dist/client`)).map((file) =>
    file.slice(`${folder}/dist/client/`.length)
  );
  const server = files.filter((file) =>
    /(^|\/)(edge|boot|routes|cli|store|ledger|acs|keys|release|risk)\/(?!package\.json$)/.test(file)
  );
  assertEquals(server, []);
  const script = await Deno.readFile(`${folder}/dist/client/iife/dit.js`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", script)).toBase64();
  assertEquals(await Deno.readTextFile(`${folder}/dist/client/iife/integrity.txt`), `sha384-${digest}\n`);
});

projectTest(project, "attw and publint find nothing wrong", async () => {
  await run(["npx", "attw", packed], folder);
  assertMatch(await run(["npx", "publint", "run", `${folder}/dist/client`, "--strict"], folder), /All good/);
});

projectTest(project, "every file is ES2020", async () => {
  const parse = `import { parse } from "acorn"; import { readFileSync } from "node:fs";
for (const file of process.argv.slice(2)) {
  try { parse(readFileSync(file, "utf8"), { ecmaVersion: 2020, sourceType: "module" }); }
  catch (error) { throw new Error(file + ": " + error.message); }
}`;
  await Deno.writeTextFile(`${folder}/parse.mjs`, parse);
  const scripts = (await filesOf(installed)).filter((file) => file.endsWith(".js"));
  assert(scripts.length > 20);
  await run(["node", "parse.mjs", ...scripts], folder);
});

/** What a TypeScript app writes, right and wrong; its entry points are all of those that there are. */
const TYPED = `
import { type ClientStorage, DitClient, MemoryStorage } from "@dit/client";
import { cliTelemetry } from "@dit/client/cli";
import { localDpReport } from "@dit/client/local_dp";
import { logBatches } from "@dit/client/log_batches";
import { nobleP384 } from "@dit/client/p384";
import { kernelSuite } from "@dit/client/kernel";
import { reactTelemetry } from "@dit/client/react";
import { AsyncStorageAdapter } from "@dit/client/storage_async";
import { FileStorage } from "@dit/client/storage_file";
import { vueTelemetry } from "@dit/client/vue";
import { defineConfig } from "@dit/client/config";
type Events = { note_saved: { ok: boolean; platform: "web" | "phone" } };
const session = () => Promise.resolve("jwt");
const storage: ClientStorage = new FileStorage("x.json");
const client = new DitClient<Events>({
  endpoint: "https://t.example", app: "notes", session, storage, localDp: localDpReport, logBatches, suite: nobleP384,
});
client.log("note_saved", { ok: true, platform: "web" });
// @ts-expect-error a misspelt event
client.log("note_savd", { ok: true, platform: "web" });
client.on("sent", ({ events }) => { const n: number = events; void n; });
const ofProgram = cliTelemetry<Events>({
  endpoint: "https://t.example", app: "notes", session, program: "notes", folder: "x", collects: "saves",
});
ofProgram.client.log("note_saved", { ok: true, platform: "web" });
// @ts-expect-error a client of a program has its own storage
cliTelemetry({ endpoint: "https://t.example", app: "notes", session, program: "n", folder: "x", collects: "", storage });
void [reactTelemetry, vueTelemetry, MemoryStorage, AsyncStorageAdapter, defineConfig, kernelSuite];
`;

projectTest(
  project,
  "the types hold in node10, node16 of both kinds and bundler, without the DOM library",
  async () => {
    for (const ending of ["ts", "cts", "mts"]) await Deno.writeTextFile(`${folder}/typed.${ending}`, TYPED);
    for (
      const [module, resolution, file] of [
        ["commonjs", "node10", "typed.ts"],
        ["node16", "node16", "typed.cts"],
        ["node16", "node16", "typed.mts"],
        ["esnext", "bundler", "typed.ts"],
      ] as const
    ) {
      for (const lib of [["es2020"], ["es2020", "dom"]]) {
        const compilerOptions = {
          ...{ noEmit: true, strict: true, exactOptionalPropertyTypes: true, ignoreDeprecations: "5.0" },
          ...{ target: "es2020", types: [], lib, module, moduleResolution: resolution },
        };
        const config = JSON.stringify({ compilerOptions, files: [file] });
        await Deno.writeTextFile(`${folder}/tsconfig.json`, config);
        await run(["npx", "tsc", "--project", "tsconfig.json"], folder);
      }
    }
  },
);

projectTest(project, "nothing stays in a bundle that imports the client and does not use it", async () => {
  await Deno.writeTextFile(`${folder}/unused.mjs`, `import { DitClient } from "@dit/client";\n`);
  const esbuild = await run(
    ["npx", "esbuild", "unused.mjs", "--bundle", "--minify", "--format=esm", "--log-level=error"],
    folder,
  );
  assertEquals(esbuild, "");
});

bundlerTests(project);
