/**
 * The package in what bundles, tests and renders apps; what each has made is run.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { hasChromium, startChromium } from "../support/browser/chromium.ts";
import { run } from "../sdk/runtimes.ts";
import { type Project, projectTest } from "./project.ts";

/** Logs where there is no network; what was asked for, and what waits. */
const USE = `async function use({ DitClient, MemoryStorage }) {
  const asked = [];
  const client = new DitClient({
    endpoint: "https://telemetry.example", app: "demo", session: () => Promise.resolve("jwt"),
    storage: new MemoryStorage(),
    fetch: (url) => { asked.push(String(url)); return Promise.reject(new TypeError("no network")); },
  });
  client.log("client_start", { platform: "linux", runtime: "2.9" });
  await client.flush();
  const { waiting } = await client.inspect();
  await client.close();
  return [asked[0], ...waiting.map(({ name }) => name)].join(" ");
}
`;
const USED = "https://telemetry.example/v1/apps/demo/schema client_start";

const APP = `import * as dit from "@dit/client";
${USE}
use(dit).then((used) => { globalThis.used = used; globalThis.process?.stdout?.write(used); });
`;

const WEBPACK = `import webpack from "webpack";
const output = { path: process.cwd() + "/webpack" };
webpack({ mode: "production", context: process.cwd(), entry: "./app.mjs", output }, (error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
});
`;

/** What the app of a folder says in Chromium. */
async function usedInPage(folder: string): Promise<string> {
  const types: Record<string, string> = { html: "text/html", js: "text/javascript" };
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === "/" ? "/index.html" : pathname;
    const type = types[path.slice(path.lastIndexOf(".") + 1)];
    if (type === undefined) return new Response(null, { status: 404 });
    return new Response(await Deno.readFile(folder + path), { headers: { "content-type": type } });
  });
  await using chromium = await startChromium();
  const page = await chromium.context.newPage();
  await page.goto(`http://127.0.0.1:${server.addr.port}/`);
  const used = await page.waitForFunction("globalThis.used");
  return String(await used.jsonValue());
}

/** Registers the tests. */
export function bundlerTests(project: Project): void {
  const { folder } = project;
  const inPage = {
    ...project,
    missing: project.missing ?? (hasChromium ? undefined : "there is no Chromium"),
  };
  const page = (script: string) => `<!doctype html><script type="module" src="${script}"></script>`;

  projectTest(inPage, "Vite builds an app that works in Chromium", async () => {
    await Deno.writeTextFile(`${folder}/app.mjs`, APP);
    await Deno.writeTextFile(`${folder}/index.html`, page("/app.mjs"));
    await run(["npx", "vite", "build", "--outDir", "vite"], folder);
    assertEquals(await usedInPage(`${folder}/vite`), USED);
  });

  projectTest(inPage, "webpack builds an app without a warning that works in Chromium", async () => {
    await Deno.writeTextFile(`${folder}/app.mjs`, APP);
    await Deno.writeTextFile(`${folder}/webpack.mjs`, WEBPACK);
    await run(["node", "webpack.mjs"], folder);
    await Deno.writeTextFile(`${folder}/webpack/index.html`, page("/main.js"));
    assertEquals(await usedInPage(`${folder}/webpack`), USED);
  });

  projectTest(project, "esbuild builds an app in chunks that works in Node", async () => {
    await Deno.writeTextFile(`${folder}/app.mjs`, APP);
    await run(
      [
        "npx",
        "esbuild",
        "app.mjs",
        "--bundle",
        "--minify",
        "--splitting",
        "--format=esm",
        "--outdir=esbuild",
      ],
      folder,
    );
    assertEquals(await run(["node", "esbuild/app.js"], folder), USED);
  });

  for (const environment of ["node", "jsdom"]) {
    projectTest(project, `Jest's environment ${environment} takes the CommonJS files`, async () => {
      const globals = environment === "node"
        ? ""
        : `Object.assign(globalThis, (({ TextEncoder, TextDecoder }) => ({ TextEncoder, TextDecoder }))(require("util")));`;
      const test = `${globals}\n${USE}
test("used", async () => expect(await use(require("@dit/client"))).toBe(${JSON.stringify(USED)}));\n`;
      await Deno.writeTextFile(`${folder}/jest_${environment}.cjs`, test);
      await run(
        ["npx", "jest", `--env=${environment}`, "--rootDir=.", `--testRegex=jest_${environment}.cjs$`],
        folder,
      );
    });
  }

  projectTest(project, "importing the package on a server of pages touches nothing", async () => {
    const render =
      `const names = () => Object.getOwnPropertyNames(globalThis).length; // Node adds a symbol with Headers.
const before = names();
globalThis.fetch = () => { throw new Error("asked the network"); };
for (const name of ["window", "document", "self", "localStorage", "indexedDB"]) {
  if (name in globalThis) Object.defineProperty(globalThis, name, { get() { throw new Error("touched " + name); } });
}
const { DitClient } = await import("@dit/client");
process.stdout.write(typeof DitClient + (names() - before));\n`;
    await Deno.writeTextFile(`${folder}/render.mjs`, render);
    assertEquals(await run(["node", "render.mjs"], folder), "function0");
  });
}
