/** The documents against the repository: what they name is there, and what is there and matters to a reader is named. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { LINE_EVENTS } from "../boot/log.ts";
import configuration from "../deno.json" with { type: "json" };
import {
  anchorsOf,
  commandsOf,
  linksOf,
  type Page,
  parsePage,
  pathsOf,
  readPages,
  ROOT,
} from "./support/http/documents.ts";

const SKIPPED = /^(?:\.git|\.dit|node_modules|coverage|dist|screenshots)$/;

async function* filesBelow(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (SKIPPED.test(name)) continue;
    if (isDirectory) yield* filesBelow(new URL(`${name}/`, folder));
    else yield new URL(name, folder);
  }
}

async function exists(path: string, base: URL = ROOT): Promise<boolean> {
  try {
    await Deno.stat(new URL(path, base));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function pageOf(pages: readonly Page[], path: string): Page {
  return pages.find((page) => page.path === path) ?? parsePage(path, "");
}

/** A section of a page, from its heading to the next one of the same rank or above. */
function sectionOf({ path, prose }: Page, heading: string): string {
  const [, after] = prose.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`${path} has no section "${heading}"`);
  const rank = /^#+/.exec(heading)![0].length;
  return after.split(new RegExp(`^#{1,${rank}} `, "m"))[0]!;
}

Deno.test("parsePage() and commandsOf() tell blocks, comments, texts and joined lines apart", () => {
  const text =
    "# A `b` c\n[l](x.md#y)\n```sh\necho 'a # b' # c\ncurl \\\n  x\n# stop\n```\n`core/a.ts`\n```ts e.ts\n1\n```\n";
  const page = parsePage("p.md", text);
  assertEquals(page.blocks.map(({ language, file, line }) => [language, file, line]), [
    ["sh", undefined, 3],
    ["ts", "e.ts", 10],
  ]);
  assertEquals(commandsOf("p.md", page.blocks[0]!), [
    { place: "p.md:4", text: "echo 'a # b'", comment: "c" },
    { place: "p.md:6", text: "curl   x", comment: "" },
    { place: "p.md:7", text: "", comment: "stop" },
  ]);
  assertEquals([linksOf(page), pathsOf(page), [...anchorsOf(page)]], [["x.md#y"], ["core/a.ts"], ["a-b-c"]]);
});

Deno.test("every link of the documents leads somewhere, to an anchor that is there too", async () => {
  const pages = await readPages();
  const broken: string[] = [];
  let checked = 0;
  for (const page of pages) {
    for (const link of linksOf(page)) {
      if (/^(?:https?|mailto):/.test(link)) continue;
      checked++;
      const [path, anchor] = link.split("#") as [string, string | undefined];
      const target = path === "" ? new URL(page.path, ROOT) : new URL(path, new URL(page.path, ROOT));
      const name = target.href.slice(ROOT.href.length);
      if (!await exists(name)) broken.push(`${page.path}: there is no ${link}`);
      else if (anchor !== undefined && !anchorsOf(pageOf(pages, name)).has(anchor)) {
        broken.push(`${page.path}: ${name} has no heading for #${anchor}`);
      }
    }
  }
  assertEquals(broken, []);
  assert(checked > 30);
});

Deno.test("the README leads to every page of the documents, at once or from page to page", async () => {
  const pages = await readPages();
  const reached = new Set(["README.md"]);
  for (const path of reached) {
    for (const link of linksOf(pageOf(pages, path))) {
      const { href } = new URL(link.split("#")[0]!, new URL(path, ROOT));
      if (href.startsWith(ROOT.href) && href.endsWith(".md")) reached.add(href.slice(ROOT.href.length));
    }
  }
  assertEquals(pages.map(({ path }) => path).filter((path) => !reached.has(path)), []);
});

Deno.test("every file that a document or a comment names is there", async () => {
  const pages = await readPages();
  const saved = new Set(pages.flatMap(({ blocks }) => blocks.map(({ file }) => file)));
  const files = (await Array.fromAsync(filesBelow(ROOT))).map(({ href }) => href.slice(ROOT.href.length));
  const names = new Set(files.map((path) => path.split("/").at(-1)));
  const missing: string[] = [];
  let checked = 0;
  for (const page of pages) {
    for (const path of pathsOf(page)) {
      if (saved.has(path)) continue;
      checked++;
      if (path.includes("/") ? !await exists(path) : !names.has(path)) missing.push(`${page.path}: ${path}`);
    }
  }
  for (const file of files.filter((file) => /\.(?:ts|tsx|json)$/.test(file) || file.endsWith("/run"))) {
    for (const [path] of (await Deno.readTextFile(new URL(file, ROOT))).matchAll(/\bdocs\/\w+\.md\b/g)) {
      if (!await exists(path)) missing.push(`${file}: ${path}`);
    }
  }
  assertEquals(missing, []);
  assert(checked > 15);
});

Deno.test("every task that a document names exists, and commands stand in blocks of their own", async () => {
  const tasks = new Set(Object.keys(configuration.tasks));
  const wrong: string[] = [];
  for (const { path, text, prose } of await readPages()) {
    for (const [, task] of text.matchAll(/\bdeno(?:@[\d.]+)? task ([a-z][a-z:]*)/g)) {
      if (!tasks.has(task!)) wrong.push(`${path}: there is no task ${task}`);
    }
    for (const [line] of prose.matchAll(/^ {4,}(?:deno|npx|curl|git|openssl|printf|export|[A-Z_]+=).*$/gm)) {
      wrong.push(`${path}: put this into a block of sh, so that a test runs it: ${line.trim()}`);
    }
  }
  assertEquals(wrong, []);
});

/** Read by Deno itself, which the service relies on. */
const READ_BY_DENO = [
  "DENO_KV_ACCESS_TOKEN",
  "OTEL_EXPORTER_OTLP_TIMEOUT",
  "OTEL_PROPAGATORS",
  "OTEL_SERVICE_NAME",
];
/** An example of a name that an operator chooses. */
const CHOSEN = ["DIT_ALERT_SECRET"];

/** Of the users of an app, whose client reads it (docs/for_users.md). */
const OF_USERS = ["DIT_OPT_OUT"];

/** Of the proxies' configurations in deploy/. */
const READ_BY_PROXIES = ["DIT_LOGS_HOST", "DIT_TOKENS_HOST"];

/** Variables that the code names as a whole text: that is how it asks for one. */
async function variablesOfTheCode(): Promise<Set<string>> {
  const found = new Set(READ_BY_DENO);
  for await (const file of filesBelow(ROOT)) {
    const path = file.href.slice(ROOT.href.length);
    if (!/^(?:main|dit\.config)\.ts$|^(?:boot|core|edge|routes|cli|client)\/.*\.tsx?$/.test(path)) continue;
    const source = await Deno.readTextFile(file);
    for (const [, name] of source.matchAll(/"((?:DIT|DENO|OTEL)_[A-Z0-9_]+|PORT|HOST)"/g)) found.add(name!);
  }
  for (const name of OF_USERS) found.delete(name);
  return found;
}

function variablesOfTheTable(pages: readonly Page[]): string[] {
  const rows = sectionOf(pageOf(pages, "docs/operating.md"), "## Variables").matchAll(/^\| (`.*?)\|/gm);
  return [...rows].flatMap(([, cell]) => [...cell!.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name]) => name!));
}

Deno.test("docs/operating.md has every variable that is read in its table, and no other", async () => {
  const pages = await readPages();
  const documented = variablesOfTheTable(pages);
  assertEquals([...new Set(documented)].toSorted(), [...await variablesOfTheCode()].toSorted());
  const named = pages.flatMap(({ text }) =>
    [...text.matchAll(/\bDIT_[A-Z0-9_]*[A-Z0-9]\b/g)].map(([name]) => name)
  );
  const strange = named.filter((name) =>
    ![...documented, ...CHOSEN, ...OF_USERS, ...READ_BY_PROXIES].includes(name)
  );
  assertEquals([...new Set(strange)], [], "variables that documents name and nobody reads");
});

Deno.test("docs/operating.md names every setting of an application and of the configuration", async () => {
  const section = sectionOf(pageOf(await readPages(), "docs/operating.md"), "## The configuration");
  const types = await Deno.readTextFile(new URL("core/config/types.ts", ROOT));
  for (const name of ["ApplicationConfig", "Config"]) {
    const [, body] = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(types)!;
    const settings = [...body!.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, setting]) => setting!);
    assert(settings.length >= 3);
    for (const setting of settings.filter((setting) => setting !== "applications")) {
      assertMatch(section, new RegExp(`\`${setting}\``), setting);
    }
  }
});

Deno.test("docs/operating.md says what to do about every alert", async () => {
  const rules = await Deno.readTextFile(new URL("deploy/prometheus/rules.yml", ROOT));
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const section = sectionOf(pageOf(await readPages(), "docs/operating.md"), "### Metrics");
  const told = [...section.matchAll(/^\| (`Dit.*?)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  );
  assertEquals(told.toSorted(), alerts.toSorted());
});

Deno.test("docs/operating.md says what every line of the service means", async () => {
  const section = sectionOf(pageOf(await readPages(), "docs/operating.md"), "### Lines of the service");
  const told = [...section.matchAll(/^\| (`(?!event).*?)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  );
  assertEquals(told.toSorted(), [...LINE_EVENTS]);
});

/** What stands around a block that makes `end` of a client whose events have a type. */
function clientOf(events: string): [before: string, after: string] {
  const client =
    `import type { DitClient } from "./client/mod.ts";\ndeclare const client: DitClient<${events}>;\n`;
  return [client, "end();\n"];
}

/** What stands around a block of TypeScript that is a part of something, by how it begins. */
const AROUND: Readonly<Record<string, readonly [before: string, after: string]>> = {
  "import type { EventsOf }": [
    'import { DitClient } from "./client/mod.ts";\n' +
    "declare const endpoint: string;\ndeclare const session: () => Promise<string>;\n",
    "",
  ],
  "import { captureErrors }": clientOf(
    '{ uncaught_error: { class: "TypeError" | "SyncError" | "other"; place?: number } }',
  ),
  "import { captureLifecycle }": clientOf(
    "{ app_started: { version: string }; app_crashed: { version: string } }",
  ),
  "import { captureNavigation }": clientOf(
    '{ route_shown: { route: "home" | "note" | "settings" | "other" } }',
  ),
  "alerts: ": [
    'import { defineConfig } from "./core/config/mod.ts";\n' +
    'import config from "./dit.config.ts";\nexport default defineConfig({ ...config,\n',
    "});",
  ],
  "releases: ": [
    'import type { ApplicationConfig } from "./core/config/mod.ts";\n' +
    'export const part: Pick<ApplicationConfig, "releases"> = {\n',
    "};",
  ],
};

Deno.test("every block of TypeScript in the documents compiles", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files: string[] = [];
    const used = new Set<string>();
    for (const { path, blocks } of await readPages()) {
      for (const { language, text, line } of blocks) {
        if (language !== "ts") continue;
        const start = Object.keys(AROUND).find((start) => text.startsWith(start));
        if (start !== undefined) used.add(start);
        const [before, after] = start === undefined ? ["", ""] : AROUND[start]!;
        const file = `${folder}/${path.replaceAll(/\W/g, "_")}_${line}.ts`;
        const source = `${before}${text}${after}`.replaceAll(/from "\.\//g, `from "${ROOT.href}`);
        await Deno.writeTextFile(file, source);
        files.push(file);
      }
    }
    assert(files.length >= 5);
    assertEquals([...used].toSorted(), Object.keys(AROUND).toSorted(), "parts that no document has any more");
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", `--config=${new URL("deno.json", ROOT).pathname}`, ...files],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
