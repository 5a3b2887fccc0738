import { assertEquals } from "@std/assert";
import {
  circles,
  folderOf,
  type ImportGraph,
  mutualFolders,
  reachedFrom,
  readImports,
} from "./support/architecture/import_graph.ts";
import { usesOf } from "./support/architecture/uses.ts";

const ROOT = new URL("../", import.meta.url);

/** What code may do besides computing. What a floor is not granted, it is handed by the one above. */
const USES = {
  environment: /^(?:Deno|process)\.(?:env|\*)$/,
  clock: /^(?:Date\.(?:now|\*)|new Date\(\)|Date\(\))$/,
  stopwatch: /^performance\./,
  randomness: /^(?:Math\.(?:random|\*)|crypto\.(?:getRandomValues|randomUUID|\*))$/,
  network:
    /^(?:fetch\(\)|new (?:WebSocket|EventSource|XMLHttpRequest)\(\)|Deno\.(?:serve|connect|listen)\w*)$/,
  engine: /^Deno\.(?:Kv\w*|openKv|AtomicOperation)$/,
  "an engine by its name": /^the name /,
  runtime: /^Deno\.(?!Kv|openKv|AtomicOperation|serve|connect|listen|env)/,
  "an import by a computed name": /^import\(\)$/,
  "text as code": /^(?:eval\(\)|new Function\(\))$/,
} as const;
type Use = keyof typeof USES;

/** A row of the table: who lives in a room, whom they may call. docs/architecture.md has the same in words. */
interface Room {
  /** A folder, or a file of one that has a row of its own. Folders below it without a row belong to it. */
  readonly room: string;
  /** Rooms and files that it imports from, besides itself; one that ends with `/` stands for all below it. */
  readonly imports: readonly string[];
  /** Packages that it imports, by the beginnings of their names. */
  readonly packages?: readonly string[];
  /** What it may use. */
  readonly uses?: readonly Use[];
}

/** Rooms of the core without anything of a server: the client is built on them. */
const PURE = [
  "core/base",
  "core/voprf",
  "core/voprf/kernel",
  "core/token",
  "core/schema",
  "core/schema/fields",
  "core/privacy/dp",
];
/** Files of those rooms that are for servers all the same. */
const NOT_FOR_CLIENTS =
  /^core\/(?:voprf\/(?:libsodium|sodium|load|kernel_suite)\.ts|schema\/(?:body|record|schema_budget|deny_list)\.ts|schema\/fields\/(?:.*\.doc|docs)\.ts|privacy\/dp\/(?!(?:local_dp|projective)\.ts))/;

/** An engine's own room, and who may name one: what opens the store that a URL decides, and who tests or measures it. */
const ENGINE = /^core\/store\/[a-z_]+\//;
const CHOOSES_AN_ENGINE =
  /^(?:boot\/(?:engines|store_look)\.ts$|cli\/(?:vacuum|backup)\.ts$|tests\/|bench\/)/;
/** What a shared engine is called, in code, texts and comments: to know which one runs begins with naming it. */
const ENGINE_NAMES = /postgres\w*|\bpg_\w+|\bpsql\b/gi;

/** All that a program at the top may do. */
const EVERYTHING = (Object.keys(USES) as Use[]).filter((use) =>
  use !== "text as code" && use !== "engine" && use !== "an engine by its name"
);

/** From the ground up. Tests, benches and package/ have no row: they may import and use everything. */
const ROOMS: readonly Room[] = [
  { room: "core/base", imports: [], packages: ["@noble/hashes/"] },
  {
    room: "core/voprf",
    imports: ["core/base"],
    packages: ["@noble/", "libsodium-sumo", "node:crypto", "node:module"],
  },
  { room: "core/voprf/kernel", imports: ["core/base"] },
  { room: "core/voprf/kernel/generator", imports: [], uses: ["runtime"] },
  { room: "core/voprf/sha2", imports: ["core/base"] },
  { room: "core/voprf/sha2/generator", imports: ["core/voprf/kernel/generator"], uses: ["runtime"] },
  { room: "core/token", imports: ["core/base", "core/voprf"], packages: ["@noble/hashes/", "node:crypto"] },
  { room: "core/privacy/sketch", imports: ["core/base"] },
  { room: "core/privacy/dp", imports: ["core/base", "core/privacy/sketch"], packages: ["@noble/hashes/"] },
  { room: "core/schema/fields", imports: ["core/base"], packages: ["zod"] },
  {
    room: "core/schema",
    imports: ["core/base", "core/token", "core/privacy/dp"],
    packages: ["node:zlib"],
  },
  { room: "core/config", imports: ["core/base", "core/voprf", "core/schema/"] },
  { room: "core/store", imports: ["core/base"], uses: ["stopwatch"] },
  {
    room: "core/store/deno_kv",
    imports: ["core/base", "core/store"],
    packages: ["node:sqlite", "node:util", "node:v8"],
    uses: ["engine", "runtime"],
  },
  {
    room: "core/store/postgres",
    imports: ["core/base", "core/store"],
    packages: ["node:buffer", "node:v8", "pg"],
    uses: ["an engine by its name"],
  },
  { room: "core/clock", imports: ["core/base", "core/store"] },
  {
    room: "core/keys",
    imports: ["core/base", "core/voprf", "core/token", "core/config", "core/store"],
    packages: ["@noble/hashes/"],
  },
  {
    room: "core/ledger",
    imports: ["core/base", "core/store", "core/keys"],
    packages: ["@noble/hashes/", "node:util", "node:zlib"],
    uses: ["stopwatch"],
  },
  {
    room: "core/operations",
    imports: ["core/base", "core/schema", "core/config", "core/store", "core/ledger"],
    packages: ["@noble/hashes/"],
  },
  {
    room: "core/privacy/release",
    imports: [
      "core/base",
      "core/privacy/sketch",
      "core/privacy/dp",
      "core/schema/",
      "core/config",
      "core/store",
      "core/ledger",
      "core/operations",
    ],
    packages: ["@noble/hashes/"],
  },
  {
    room: "core/privacy/risk",
    imports: [
      "core/base",
      "core/privacy/sketch",
      "core/privacy/dp",
      "core/schema/",
      "core/config",
      "core/store",
      "core/keys",
      "core/ledger",
      "core/operations",
    ],
    packages: ["@noble/hashes/"],
  },
  {
    room: "core/acs",
    imports: [
      "core/base",
      "core/voprf",
      "core/token",
      "core/schema/",
      "core/config",
      "core/store",
      "core/keys",
      "core/ledger",
      "core/operations",
      "core/privacy/risk",
    ],
    packages: ["@noble/hashes/", "node:crypto"],
  },
  {
    room: "core/acs/remote",
    imports: [
      "core/base",
      "core/token",
      "core/config",
      "core/store",
      "core/keys",
      "core/ledger",
      "core/acs",
    ],
    packages: ["@noble/hashes/"],
  },
  {
    room: "core/config/check",
    imports: [
      "core/base",
      "core/voprf",
      "core/token",
      "core/privacy/dp",
      "core/schema/",
      "core/config",
      "core/privacy/release",
      "core/privacy/risk",
    ],
    packages: ["zod"],
  },
  { room: "core/families.ts", imports: ["core/"] },
  { room: "core/service.ts", imports: ["core/"] },
  // How long a page of a sweep took says how long the next one waits.
  { room: "core/jobs", imports: ["core/"], uses: ["stopwatch"] },
  // Verbs of operators, on every product of the core.
  { room: "core/operations/actions", imports: ["core/"] },

  { room: "edge/http", imports: ["core/base"], uses: ["stopwatch"] },
  // The one place that looks at an address.
  {
    room: "edge/admission",
    imports: ["core/base", "edge/http"],
    packages: ["node:crypto"],
    uses: ["stopwatch"],
  },
  // Below what strips by them: they know nothing of the edge but the names of headers.
  { room: "edge/operations", imports: ["core/", "edge/http"], packages: ["zod"] },
  // What an auditor opens first: it needs the names of headers, and the operations that name theirs.
  { room: "edge/strip.ts", imports: ["core/base", "core/token", "edge/http", "edge/operations"] },
  // `fetch` is passed in; its name is all that can be seen of it here.
  {
    room: "edge/auth",
    // Operations say which operators may call them.
    imports: ["core/", "edge/http", "edge/operations"],
    packages: ["@noble/hashes/", "node:crypto", "hono", "jose", "oauth4webapi"],
    uses: ["network", "stopwatch"],
  },
  {
    room: "edge/remote",
    imports: ["core/", "edge/http"],
    packages: ["@noble/hashes/", "node:crypto", "zod"],
    uses: ["network"],
  },
  {
    room: "edge",
    imports: ["core/", "edge/"],
    packages: ["@noble/hashes/", "hono", "node:crypto", "zod"],
    uses: ["stopwatch"],
  },

  { room: "routes/dev", imports: ["core/", "edge/", "examples/browser"], packages: ["hono", "jose", "zod"] },
  {
    room: "routes/console",
    imports: ["core/", "edge/", "routes/admin", "routes/console/"],
    packages: ["@noble/hashes/", "hono", "uplot/", "zod"],
    uses: ["stopwatch"],
  },
  {
    room: "routes/openapi",
    imports: ["core/", "edge/"],
    packages: ["hono", "zod"],
  },
  { room: "routes", imports: ["core/", "edge/", "routes/"], packages: ["hono", "zod"] },

  { room: "dit.config.ts", imports: ["core/config"] },
  {
    room: "boot",
    imports: ["core/", "edge/", "routes/", "dit.config.ts", "deno.json"],
    packages: ["@opentelemetry/api", "hono", "node:fs/promises", "node:net", "node:path", "node:v8"],
    uses: [
      "environment",
      "clock",
      "stopwatch",
      "randomness",
      "network",
      "runtime",
      "an import by a computed name",
    ],
  },
  // The one chooser of an engine.
  {
    room: "boot/engines.ts",
    imports: ["boot", "core/store", "core/store/deno_kv", "core/store/postgres"],
    uses: ["an engine by its name", "runtime"],
  },
  // The launcher: it starts the service, and reaches no network itself.
  {
    room: "boot/launch",
    imports: ["core/config", "core/config/check", "boot"],
    packages: ["node:path"],
    uses: ["environment", "runtime", "stopwatch"],
  },
  { room: "boot/launch/print_provider.ts", imports: [], uses: ["network", "runtime"] },
  { room: "main.ts", imports: ["boot", "core/jobs"], uses: EVERYTHING },

  { room: "client/base", imports: PURE, packages: ["@noble/hashes/"], uses: ["randomness"] },
  { room: "client/base/signals.ts", imports: [], uses: ["environment", "runtime"] },
  { room: "client/storage", imports: ["client/base", ...PURE] },
  // Entry points of their own, for Node and for Deno.
  {
    room: "client/storage/file.ts",
    imports: ["client/base"],
    packages: ["node:fs/promises"],
    uses: ["clock", "randomness"],
  },
  { room: "client/storage/deno_kv.ts", imports: [], uses: ["engine"] },
  {
    room: "client/http",
    imports: ["client/base", "client/storage", ...PURE],
    packages: ["@noble/hashes/"],
    uses: ["network"],
  },
  { room: "client/tokens", imports: ["client/base", "client/storage", "client/http", ...PURE] },
  {
    room: "client/queue",
    imports: ["client/base", "client/storage", "client/http", "client/tokens", ...PURE],
  },
  { room: "client", imports: ["client/", ...PURE], uses: ["clock"] },
  { room: "client/capture", imports: ["client"], uses: ["randomness"] },
  // Clients put together for one kind of program: entry points of their own.
  {
    room: "client/presets",
    imports: ["client", "client/base", "client/http", "client/storage"],
    packages: ["node:fs", "node:fs/promises", "node:process"],
  },

  // Several processes share a KV Connect endpoint, which the tests' own is good enough for.
  {
    room: "cli/cluster",
    imports: ["boot", "boot/launch", "cli/", "tests/support/store", "tests/support/postgres"],
    packages: ["node:util"],
    // It starts one, which the person chooses who gives the command.
    uses: [...EVERYTHING, "an engine by its name"],
  },
  // It reckons with the measured figures of each engine, and opens none.
  {
    room: "cli/capacity.ts",
    imports: ["cli/", "core/", "boot"],
    packages: ["node:util"],
    uses: [...EVERYTHING, "an engine by its name"],
  },
  {
    room: "cli",
    imports: ["boot", "boot/launch", "client/", "core/", "cli/", "edge/auth", "dit.config.ts"],
    packages: ["node:sqlite", "node:util"],
    uses: EVERYTHING,
  },
];

/** The row of a file: its own, or the nearest folder's. */
function roomOf(file: string): Room | undefined {
  return ROOMS.filter(({ room }) => file === room || file.startsWith(`${room}/`))
    .toSorted((a, b) => b.room.length - a.room.length)[0];
}

/** What a room's row says of an import. */
function mayImport(
  { room, imports, packages = [] }: Room,
  file: string,
  target: string,
  local: boolean,
): boolean {
  if (!local) return packages.some((name) => target === name || target.startsWith(name));
  const folder = folderOf(target);
  return folder === folderOf(file) || target.startsWith(`${room}/`) || imports.includes(target) ||
    imports.includes(folder) || imports.some((place) => place.endsWith("/") && target.startsWith(place));
}

/** One sentence for each import, circle and use that the architecture forbids. */
function violations(graph: ImportGraph, uses: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found: string[] = [];
  for (const [file, imports] of graph) {
    const room = roomOf(file);
    for (const target of imports) {
      const local = graph.has(target);
      if (/^(?:https?|jsr|npm|data|blob):/.test(target)) {
        found.push(`${file} imports ${target}: name it in deno.json's import map, from npm`);
      } else if (target === "main.ts") found.push(`${file} imports main.ts, which only starts`);
      else if (ENGINE.test(target) && !ENGINE.test(file) && !CHOOSES_AN_ENGINE.test(file)) {
        found.push(`${file} may not import ${target}: only boot/engines.ts names an engine`);
      } else if (room !== undefined && !mayImport(room, file, target, local)) {
        found.push(`${file} may not import ${target}`);
      }
    }
  }
  for (const [file, used] of uses) {
    const granted = roomOf(file)?.uses ?? [];
    for (const use of Object.keys(USES) as Use[]) {
      if (granted.includes(use)) continue;
      const how = [...used].filter((name) => USES[use].test(name));
      if (how.length > 0) found.push(`${file} may not use ${use}: ${how.join(", ")}`);
    }
  }
  for (const file of graph.keys()) {
    if (!file.startsWith("client/")) continue;
    for (const target of reachedFrom(file, graph)) {
      const pure = target.startsWith("client/") || !graph.has(target) ||
        (PURE.some((room) => folderOf(target) === room) && !NOT_FOR_CLIENTS.test(target));
      if (!pure) found.push(`the client reaches ${target}`);
    }
  }
  const product = new Map([...graph].filter(([file]) => roomOf(file) !== undefined));
  for (const pair of mutualFolders(product)) {
    // The configuration below and the start above stand in one folder.
    if (pair !== "(root) <-> boot") found.push(`${pair}: two folders import each other`);
  }
  for (const circle of circles(graph)) found.push(`${circle}: files in a circle`);
  return [...new Set(found)];
}

/** What a source uses, with the engines that it names. */
function usesIn(file: string, source: string): Set<string> {
  const names = source.match(ENGINE_NAMES) ?? [];
  return new Set([...usesOf(file, source), ...names.map((name) => `the name ${name}`)]);
}

/** The TypeScript of this repository. */
async function sourceFiles(): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.tsx"],
    cwd: ROOT,
  }).output();
  const files = new TextDecoder().decode(stdout).trim().split("\n");
  const there = await Promise.all(files.map((file) => Deno.stat(new URL(file, ROOT)).catch(() => undefined)));
  // What is measured beside us has packages of its own.
  return files.filter((file, index) => there[index] !== undefined && !/^bench\/(?:peers|plot)\//.test(file));
}

Deno.test("every file imports and uses what its room may", async () => {
  const files = await sourceFiles();
  const graph = await readImports(ROOT, files);
  assertEquals(files.filter((file) => !graph.has(file)), [], "files that Deno did not read");
  const product = files.filter((file) => roomOf(file) !== undefined);
  const uses = await Promise.all(
    product.map(async (file) => [file, usesIn(file, await Deno.readTextFile(new URL(file, ROOT)))] as const),
  );
  assertEquals(violations(graph, new Map(uses)), []);
});

Deno.test("every room of the table is there, and every folder of the product has one", async () => {
  const files = await sourceFiles();
  const rooms = new Set(files.map((file) => roomOf(file)?.room));
  assertEquals(ROOMS.map(({ room }) => room).filter((room) => !rooms.has(room)), []);
  const without = files.filter((file) =>
    roomOf(file) === undefined && !/^(?:tests|bench|package|examples)\//.test(file)
  );
  assertEquals(without, []);
});

/** Nothing but these arrows: `a -> b` between files, each of which is there. */
function graphOf(...arrows: string[]): ImportGraph {
  const graph = new Map<string, string[]>();
  for (const arrow of arrows) {
    const [from = "", to = ""] = arrow.split(" -> ");
    graph.set(from, [...graph.get(from) ?? [], to]);
    if (/\.tsx?$/.test(to)) graph.set(to, graph.get(to) ?? []);
  }
  return graph;
}

Deno.test("violations() finds a planted violation of every rule on imports", () => {
  const planted: [string[], string][] = [
    [["core/base/a.ts -> core/token/mac.ts"], "core/base/a.ts may not import core/token/mac.ts"],
    [["core/voprf/a.ts -> core/token/mac.ts"], "core/voprf/a.ts may not import core/token/mac.ts"],
    [["core/store/a.ts -> core/keys/row.ts"], "core/store/a.ts may not import core/keys/row.ts"],
    [["core/ledger/a.ts -> core/acs/quota.ts"], "core/ledger/a.ts may not import core/acs/quota.ts"],
    [["core/keys/a.ts -> edge/http/problem.ts"], "core/keys/a.ts may not import edge/http/problem.ts"],
    [["core/service.ts -> routes/app.ts"], "core/service.ts may not import routes/app.ts"],
    [["core/jobs/a.ts -> client/mod.ts"], "core/jobs/a.ts may not import client/mod.ts"],
    [["core/keys/a.ts -> dit.config.ts"], "core/keys/a.ts may not import dit.config.ts"],
    [["core/acs/a.ts -> hono/cors"], "core/acs/a.ts may not import hono/cors"],
    [["core/base/a.ts -> node:fs"], "core/base/a.ts may not import node:fs"],
    [["core/store/a.ts -> jose"], "core/store/a.ts may not import jose"],
    [["edge/strip.ts -> routes/app.ts"], "edge/strip.ts may not import routes/app.ts"],
    [["edge/auth/a.ts -> boot/settings.ts"], "edge/auth/a.ts may not import boot/settings.ts"],
    [["routes/a.tsx -> client/mod.ts"], "routes/a.tsx may not import client/mod.ts"],
    [["routes/a.ts -> boot/settings.ts"], "routes/a.ts may not import boot/settings.ts"],
    [["dit.config.ts -> core/base/bytes.ts"], "dit.config.ts may not import core/base/bytes.ts"],
    [["tests/a.ts -> main.ts"], "tests/a.ts imports main.ts, which only starts"],
    [
      ["core/jobs/a.ts -> core/store/deno_kv/open.ts"],
      "core/jobs/a.ts may not import core/store/deno_kv/open.ts",
    ],
    [
      ["boot/start_errors.ts -> core/store/deno_kv/open.ts"],
      "only boot/engines.ts names an engine",
    ],
    [["cli/a.ts -> core/store/deno_kv/open.ts"], "cli/a.ts may not import core/store/deno_kv/open.ts"],
    [["client/a.ts -> zod"], "client/a.ts may not import zod"],
    [["client/a.ts -> core/store/store.ts"], "client/a.ts may not import core/store/store.ts"],
    [["client/a.ts -> core/voprf/sodium.ts"], "the client reaches core/voprf/sodium.ts"],
    [
      ["client/a.ts -> core/schema/a.ts", "core/schema/a.ts -> core/schema/body.ts"],
      "the client reaches core/schema/body.ts",
    ],
    [["cli/a.ts -> jsr:@std/assert"], "cli/a.ts imports jsr:@std/assert: name it"],
    [["tests/a.ts -> https://deno.land/x.ts"], "tests/a.ts imports https://deno.land/x.ts: name it"],
    [["bench/a.ts -> npm:left-pad@1"], "bench/a.ts imports npm:left-pad@1: name it"],
    [
      ["edge/auth/a.ts -> edge/http/b.ts", "edge/http/c.ts -> edge/auth/d.ts"],
      "edge/auth <-> edge/http: two folders import each other",
    ],
    [
      ["routes/app.ts -> routes/console/a.ts", "routes/console/b.ts -> routes/c.ts"],
      "routes <-> routes/console: two folders import each other",
    ],
    [
      [
        "core/base/a.ts -> core/base/b.ts",
        "core/base/b.ts -> core/base/c.ts",
        "core/base/c.ts -> core/base/a.ts",
      ],
      "core/base/a.ts - core/base/b.ts - core/base/c.ts: files in a circle",
    ],
  ];
  for (const [arrows, message] of planted) {
    const found = violations(graphOf(...arrows), new Map());
    assertEquals(found.some((violation) => violation.includes(message)), true, `${arrows}: ${found}`);
  }
});

Deno.test("violations() finds a planted violation of every rule on uses, and is not fooled by texts", () => {
  const planted: [string, string, string][] = [
    ["core/base/a.ts", 'Deno.env.get("X");', "the environment"],
    ["core/base/a.ts", "const { env } = Deno;", "environment"],
    ["core/store/a.ts", 'Deno["env"].toObject();', "environment"],
    ["core/keys/a.ts", "const x = `${Date.now()}`;", "clock"],
    ["core/store/a.ts", "const x = new Date( );", "clock"],
    ["core/acs/a.ts", "performance.now();", "stopwatch"],
    ["core/schema/a.ts", "Math.random();", "randomness"],
    ["core/base/a.ts", "globalThis.crypto.getRandomValues(x);", "randomness"],
    ["core/acs/a.ts", "await fetch (url);", "network"],
    ["core/acs/a.ts", "await import(name);", "an import by a computed name"],
    ["core/ledger/a.ts", "function f(x: Deno.AtomicOperation): Deno.KvKey {}", "engine"],
    ["core/store/a.ts", "await Deno.openKv();", "engine"],
    ["boot/a.ts", "await Deno.openKv();", "engine"],
    ["cli/a.ts", "function f(kv: Deno.Kv) {}", "engine"],
    ["core/jobs/a.ts", "Deno.readTextFile(x);", "runtime"],
    ["edge/a.ts", "process.env.HOME;", "environment"],
    ["routes/a.ts", "Deno.readTextFile(x);", "runtime"],
    ["client/a.ts", "Math.random();", "randomness"],
    ["boot/a.ts", "new Function('return 1')();", "text as code"],
    ["main.ts", 'eval("1");', "text as code"],
    ["boot/settings.ts", "const url = /^postgres(?:ql)?:/;", "an engine by its name"],
    ["cli/backup.ts", 'const sentence = "use pg_dump";', "an engine by its name"],
    ["core/service.ts", "// PostgreSQL does it otherwise.", "an engine by its name"],
    ["core/store/postgres/a.ts", "Deno.readTextFileSync(x);", "runtime"],
  ];
  for (const [file, source, use] of planted) {
    const found = violations(new Map(), new Map([[file, usesIn(file, `// first\n${source}\n`)]]));
    assertEquals(
      found.some((violation) => violation.includes(`may not use ${use.replace(/^the /, "")}`)),
      true,
      `${source}: ${found}`,
    );
  }
  const harmless = [
    "/**\n * Deno.env, Date.now()\n */",
    "const text = 'Deno.env and Date.now()';",
    "const text = `Math.random() ${1 + 1} fetch(x)`;",
    "const pattern = /Math.random|[/'\"`]Deno.env/;",
    "const date = new Date(seconds * 1000);",
  ];
  for (const source of harmless) assertEquals([...usesOf("core/base/a.ts", source)], [], source);
});

Deno.test("readImports() sees every way to import, types too", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const root = new URL(`file://${folder}/`);
    const forms = [
      'import { b } from "./b.ts";',
      'import type { B } from "./b.ts";',
      'export * from "./b.ts";',
      'export type { B } from "./b.ts";',
      'export type A = import("./b.ts").B;',
      'await import("./b.ts");',
      'import "./b.ts";',
    ];
    await Deno.writeTextFile(new URL("b.ts", root), "export const b = 1;\nexport type B = number;\n");
    for (const [index, form] of forms.entries()) {
      await Deno.writeTextFile(new URL(`a${index}.ts`, root), `// import "./c.ts";\n${form}\n`);
    }
    const graph = await readImports(root, forms.map((_, index) => `a${index}.ts`));
    for (const [index, form] of forms.entries()) assertEquals(graph.get(`a${index}.ts`), ["b.ts"], form);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
