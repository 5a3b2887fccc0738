import { assertEquals } from "@std/assert";
import { codeOf, importsOf } from "./support/base/source_text.ts";

const ROOT = new URL("../", import.meta.url);
const SKIPPED = /^(?:\.git|\.dit|node_modules|coverage|dist|screenshots)$/;

/** What the files of one place may import and use (see the table of folders in README.md). The first place that matches counts. */
interface Place {
  readonly files: RegExp;
  /** Files of this repository that it may import; all when absent. */
  readonly local?: RegExp;
  /** Packages that it may import; all when absent. */
  readonly packages?: RegExp;
  /** Code that it may not contain. */
  readonly without: readonly Use[];
}

interface Use {
  readonly what: string;
  readonly pattern: RegExp;
}

const ENVIRONMENT: Use = { what: "the environment", pattern: /\bDeno\.env\b|\bprocess\.env\b/ };
const DENO: Use = { what: "Deno", pattern: /\bDeno\./ };
// The client's storage on Deno KV is given an open one.
const DENO_BUT_TYPES: Use = { what: "Deno", pattern: /\bDeno\.(?!Kv|AtomicOperation\b)/ };
const MATH_RANDOM: Use = { what: "Math.random", pattern: /\bMath\.random\b/ };
const NOT_IN_CORE: Use[] = [
  ENVIRONMENT,
  MATH_RANDOM,
  { what: "a clock", pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/ },
  { what: "a random source", pattern: /\bgetRandomValues\b|\brandomUUID\b|\brandomBytes\b/ },
  { what: "the network", pattern: /\bfetch\s*\(|\bDeno\.(?:serve|connect|listen)\b|\bnew WebSocket\b/ },
  { what: "a computed import", pattern: /\bimport\s*\(\s*(?!["'])/ },
];
const STOPWATCH: Use = { what: "a stopwatch", pattern: /\bperformance\.now\b/ };

const CORE_PACKAGES = /^(?:@noble\/|@std\/|zod$|node:zlib$|node:crypto$)/;
const CLIENT_MAY =
  /^core\/(?:base\/(?:bytes|random|time|uniform|varint|hmac)\.ts|token\/|voprf\/(?:suites?|checks|noble|noble_client|noble_p384)\.ts|schema\/|privacy\/dp\/local_dp\.ts)/;
const SERVER_STORAGE = /^client\/storage\/file\.ts$/;

const PLACES: readonly Place[] = [
  {
    // RFC 9497 and nothing else. libsodium's WebAssembly is found with node:module.
    files: /^core\/voprf\//,
    local: /^core\/(?:voprf\/|base\/)/,
    packages: /^(?:@noble\/|@std\/|libsodium|node:module$)/,
    without: [...NOT_IN_CORE, STOPWATCH, DENO],
  },
  // The only engine.
  {
    files: /^core\/store\/deno_kv\//,
    local: /^core\/store\//,
    packages: /^node:sqlite$/,
    without: NOT_IN_CORE,
  },
  {
    files: /^core\/store\//,
    local: /^core\/(?:base|store)\/(?!deno_kv\/)/,
    packages: /^$/,
    without: [...NOT_IN_CORE, DENO],
  },
  {
    files: /^core\/ledger\//,
    local: /^core\/(?!store\/deno_kv\/)/,
    packages: new RegExp(`${CORE_PACKAGES.source}|^node:util$`),
    without: [...NOT_IN_CORE, DENO],
  },
  {
    files: /^core\//,
    local: /^core\/(?!store\/deno_kv\/)/,
    packages: CORE_PACKAGES,
    without: [...NOT_IN_CORE, STOPWATCH, DENO],
  },
  { files: /^edge\//, local: /^(?:core|edge)\//, without: [ENVIRONMENT, MATH_RANDOM] },
  // The example page is served as it lies there.
  {
    files: /^routes\/dev\/examples\.ts$/,
    local: /^(?:core|edge|routes|examples\/browser)\//,
    without: [ENVIRONMENT, MATH_RANDOM, DENO],
  },
  { files: /^routes\//, local: /^(?:core|edge|routes)\//, without: [ENVIRONMENT, MATH_RANDOM, DENO] },
  // The only file of the client that is not for browsers, with an entry point of its own.
  {
    files: SERVER_STORAGE,
    local: /^client\//,
    packages: /^node:fs\/promises$/,
    without: [ENVIRONMENT, DENO],
  },
  {
    files: /^client\//,
    local: new RegExp(`^client/|${CLIENT_MAY.source}`),
    packages: /^@noble\//,
    without: [ENVIRONMENT, MATH_RANDOM, DENO_BUT_TYPES],
  },
  { files: /^dit\.config\.ts$/, local: /^core\/config\//, packages: /^$/, without: [] },
  { files: /./, without: [] },
];

/** This package's own names, by which its public modules may be imported. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  "@dit/service": "client/mod.ts",
  "@dit/service/config": "core/config/mod.ts",
};

/** Whether a specifier names a file of this repository, and which. */
function localPath(file: string, specifier: string): string | undefined {
  if (Object.hasOwn(OWN_NAMES, specifier)) return OWN_NAMES[specifier];
  if (!/^(?:\.{0,2}\/|file:)/.test(specifier)) return undefined;
  return new URL(specifier, `file:///${file}`).pathname.slice(1);
}

/** One sentence for each import or use that the architecture forbids. */
function violations(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [file, source] of sources) {
    const place = PLACES.find(({ files }) => files.test(file))!;
    for (const specifier of importsOf(source)) {
      const path = localPath(file, specifier);
      if (/^(?:https?|jsr|npm|data|blob):/.test(specifier)) {
        found.push(`${file} imports ${specifier}: name it in deno.json's import map, from npm`);
      } else if (path === "main.ts") {
        found.push(`${file} imports main.ts, which only starts`);
      } else if (
        path === undefined ? place.packages?.test(specifier) === false : place.local?.test(path) === false
      ) {
        found.push(`${file} may not import ${path ?? specifier}`);
      }
    }
    const code = codeOf(source);
    for (const { what, pattern } of place.without) {
      if (pattern.test(code)) found.push(`${file} may not use ${what}`);
    }
  }
  return [...found, ...clientViolations(sources)];
}

/** What the client reaches through others has to run in a browser as well. */
function clientViolations(sources: ReadonlyMap<string, string>): string[] {
  const reached = new Set([...sources.keys()].filter((file) => file.startsWith("client/")));
  const found: string[] = [];
  for (const file of reached) {
    if (!file.startsWith("client/") && !CLIENT_MAY.test(file)) found.push(`the client reaches ${file}`);
    for (const specifier of importsOf(sources.get(file) ?? "")) {
      const path = localPath(file, specifier);
      if (path !== undefined) reached.add(path);
      else if (!specifier.startsWith("@noble/") && !SERVER_STORAGE.test(file)) {
        found.push(`the client reaches ${specifier} in ${file}`);
      }
    }
  }
  return found;
}

async function readSources(folder = ""): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for await (const { name, isDirectory, isFile } of Deno.readDir(new URL(folder || ".", ROOT))) {
    const path = folder + name;
    if (isDirectory && !SKIPPED.test(name)) {
      for (const [file, source] of await readSources(`${path}/`)) sources.set(file, source);
    } else if (isFile && /\.tsx?$/.test(name)) {
      sources.set(path, await Deno.readTextFile(new URL(path, ROOT)));
    }
  }
  return sources;
}

Deno.test("every import follows the architecture's arrows", async () => {
  const sources = await readSources();
  for (const file of ["main.ts", "core/base/bytes.ts", "core/token/mac.ts", "tests/architecture_test.ts"]) {
    assertEquals(sources.has(file), true, `${file} was not read`);
  }
  assertEquals(violations(sources), []);
});

Deno.test("importsOf() finds exactly the imports that Deno finds", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  assertEquals(success, true);
  const sources = await readSources();
  const compared: string[] = [];
  for (const { specifier, dependencies } of JSON.parse(new TextDecoder().decode(stdout)).modules) {
    const file = specifier.startsWith(ROOT.href) ? specifier.slice(ROOT.href.length) : "";
    const source = sources.get(file);
    if (source === undefined) continue;
    compared.push(file);
    // The compiler itself adds the JSX runtime.
    const names = (dependencies ?? []).map((dependency: { specifier: string }) => dependency.specifier)
      .filter((name: string) => !name.endsWith("/jsx-runtime"));
    assertEquals(new Set(importsOf(source)), new Set(names), file);
  }
  assertEquals(
    ["main.ts", "core/base/bytes.ts", "routes/app.ts"].filter((file) => !compared.includes(file)),
    [],
  );
});

Deno.test("violations() finds a planted violation of every rule", () => {
  const planted: [string, string, string][] = [
    [
      "core/a.ts",
      'import { x } from "../edge/http/problem.ts";',
      "core/a.ts may not import edge/http/problem.ts",
    ],
    ["core/a.ts", 'export * from "../routes/app.ts";', "core/a.ts may not import routes/app.ts"],
    ["core/keys/a.ts", 'import type {\n  X,\n} from "../../client/mod.ts";', "may not import client/mod.ts"],
    ["core/a.ts", 'await import("../dit.config.ts");', "core/a.ts may not import dit.config.ts"],
    ["core/a.ts", 'type X = import("hono").Hono;', "core/a.ts may not import hono"],
    ["core/a.ts", 'import { cors } from "hono/cors";', "core/a.ts may not import hono/cors"],
    ["core/a.ts", 'import "node:fs";', "core/a.ts may not import node:fs"],
    ["core/a.ts", "await import(name);", "core/a.ts may not use a computed import"],
    ["core/a.ts", 'Deno.env.get("X");', "core/a.ts may not use the environment"],
    ["core/a.ts", "await Deno.openKv();", "core/a.ts may not use Deno"],
    ["core/a.ts", "function set(operation: Deno.AtomicOperation): void {}", "core/a.ts may not use Deno"],
    ["core/store/a.ts", "const key: Deno.KvKey = [];", "core/store/a.ts may not use Deno"],
    ["core/store/a.ts", 'import "../keys/a.ts";', "core/store/a.ts may not import core/keys/a.ts"],
    [
      "core/ledger/a.ts",
      'import "../store/deno_kv/open.ts";',
      "core/ledger/a.ts may not import core/store/deno_kv/open.ts",
    ],
    ["core/a.ts", "const x = `${Date.now()}`;", "core/a.ts may not use a clock"],
    ["core/store/a.ts", "const x = new Date( );", "core/store/a.ts may not use a clock"],
    ["core/a.ts", "performance.now();", "core/a.ts may not use a stopwatch"],
    ["core/a.ts", "Math.random();", "core/a.ts may not use Math.random"],
    ["core/a.ts", "crypto.getRandomValues(x);", "core/a.ts may not use a random source"],
    ["core/a.ts", "await fetch (url);", "core/a.ts may not use the network"],
    ["core/store/a.ts", "Deno.env.get(x);", "core/store/a.ts may not use the environment"],
    ["core/store/a.ts", 'import x from "jose";', "core/store/a.ts may not import jose"],
    [
      "core/voprf/a.ts",
      'import { x } from "../token/mac.ts";',
      "core/voprf/a.ts may not import core/token/mac.ts",
    ],
    ["core/voprf/a.ts", "new Deno.KvU64(1n);", "core/voprf/a.ts may not use Deno"],
    ["edge/a.ts", 'import x from "../routes/app.ts";', "edge/a.ts may not import routes/app.ts"],
    ["edge/a.ts", "Deno.env.toObject();", "edge/a.ts may not use the environment"],
    ["routes/a.tsx", 'import x from "../client/mod.ts";', "routes/a.tsx may not import client/mod.ts"],
    ["routes/a.ts", "Deno.readTextFile(x);", "routes/a.ts may not use Deno"],
    ["routes/a.ts", 'import x from "../main.ts";', "routes/a.ts imports main.ts"],
    ["tests/a.ts", 'import "../main.ts";', "tests/a.ts imports main.ts"],
    [
      "client/a.ts",
      'import x from "../core/store/store.ts";',
      "client/a.ts may not import core/store/store.ts",
    ],
    [
      "client/a.ts",
      'import x from "../core/voprf/sodium.ts";',
      "client/a.ts may not import core/voprf/sodium.ts",
    ],
    ["client/a.ts", 'import x from "@dit/service/config";', "client/a.ts may not import core/config/mod.ts"],
    ["client/a.ts", 'import x from "zod";', "client/a.ts may not import zod"],
    [
      "dit.config.ts",
      'import x from "./core/base/bytes.ts";',
      "dit.config.ts may not import core/base/bytes.ts",
    ],
    ["cli/a.ts", 'import x from "jsr:@std/assert";', "cli/a.ts imports jsr:@std/assert"],
    ["tests/a.ts", 'import x from "https://deno.land/x.ts";', "tests/a.ts imports https://deno.land/x.ts"],
    ["bench/a.ts", "import x from 'npm:left-pad@1';", "bench/a.ts imports npm:left-pad@1"],
  ];
  for (const [file, source, message] of planted) {
    const found = violations(new Map([[file, `// first\nexport const a = /["'\`]/;\n${source}\n`]]));
    assertEquals(
      found.some((violation) => violation.includes(message)),
      true,
      `${source} in ${file}: ${found}`,
    );
  }
});

Deno.test("violations() follows the client through what it imports", () => {
  const sources = new Map([
    ["client/mod.ts", 'export { readBody } from "../core/schema/body.ts";'],
    [
      "core/schema/body.ts",
      'import { gunzipSync } from "node:zlib";\nimport { x } from "../store/store.ts";',
    ],
  ]);
  assertEquals(violations(sources), [
    "the client reaches node:zlib in core/schema/body.ts",
    "the client reaches core/store/store.ts",
  ]);
});

Deno.test("violations() is not fooled by comments, texts and regular expressions", () => {
  const harmless = [
    '// import "hono";',
    '/**\n * import { Hono } from "hono";\n * Deno.env, Date.now()\n */',
    "const text = 'Deno.env and Date.now()';",
    'const text = `import x from "hono"; ${1 + 1} Math.random()`;',
    'const text = "import(\\"hono\\")";',
    "const pattern = /Math.random|[/'\"`]Deno.env/;",
    "const quotient = 4 / 2; // Math.random() / 2",
    "const quoted = `${`/* ${'`'}`}`; /* Deno.env */",
    "const date = new Date(seconds * 1000);",
    'import { sha256 } from "@noble/hashes/sha2.js";\nimport { gunzipSync } from "node:zlib";',
    'import { z } from "zod";\nimport { u16 } from "./bytes.ts";\nimport type { X } from "./config/types.ts";',
  ];
  for (const source of harmless) assertEquals(violations(new Map([["core/a.ts", source]])), [], source);
  // And code behind such a text is still code.
  for (const text of ["'//'", '"/*"', "`//`", "`${'`'}//`", "/\\/\\//", "/[/]\\/*/", "4 / 2 / 1"]) {
    const found = violations(new Map([["core/a.ts", `const x = ${text}; Math.random();`]]));
    assertEquals(found, ["core/a.ts may not use Math.random"], text);
  }
});
