/** The SDK as apps get it: in every runtime, from the packed file, against a real service. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { startReady } from "../support/processes/service_process.ts";
import { exportEvents } from "../support/store/stored_events.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { DENO_OF_SOURCE, findRuntimes, makeProject, run, type Runtime } from "./runtimes.ts";

const ROOT = new URL("../../", import.meta.url);
const SUITE = new URL("suite.mjs", import.meta.url);
const KILLED = new URL("killed.mjs", import.meta.url);

/** A folder, a service in it, and what it stored. */
async function withService(
  body: (place: { folder: string; url: string; stored: () => Promise<number[]> }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using service = await startReady({ folder, port: freePort(), env: { DIT_THROTTLE: "1000000" } });
    const stored = async () =>
      (await exportEvents(service.url, folder)).map(({ fields }) => fields.level as number);
    await body({ folder, url: service.url, stored });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const runtimes = await findRuntimes();
const project = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));
await makeProject(project, [SUITE, KILLED, new URL("examples/node/main.mjs", ROOT)]);

function runtimeTest(what: string, body: (runtime: Runtime, t: Deno.TestContext) => Promise<void>): void {
  for (const runtime of runtimes) {
    const { name, missing } = runtime;
    Deno.test({
      name: missing === undefined ? `${name}: ${what}` : `${name}: ${what}: not run, since ${missing}`,
      ignore: missing !== undefined,
      fn: (t) => body(runtime, t),
    });
  }
}

runtimeTest(
  "the SDK's tests against a real service",
  (runtime, t) =>
    withService(async ({ folder, url, stored }) => {
      await using proxy = startFaultProxy({ service: url, stored });
      const output = await run([...runtime.command, "suite.mjs", proxy.url, folder, "0"], project);
      const lines = output.trim().split("\n").map((line) => JSON.parse(line));
      assert(lines.length >= 40, output);
      for (const { name, error } of lines) {
        await t.step(name, () => assertEquals(error, undefined));
      }
    }),
);

runtimeTest(
  "killed at every request of its work, it loses nothing that was stored and doubles nothing",
  (runtime) =>
    withService(async ({ folder, url, stored }) => {
      let points = 0;
      for (let isKilled = true; isKilled; points++) {
        const levels = [String(points * 10), String(points * 10 + 1)];
        const last = String(points * 10 + 9);
        const file = `${folder}/killed_${points}.json`;
        let passed = 0;
        isKilled = false;
        await using proxy = startFaultProxy({
          service: url,
          stored,
          async onPoint(id) {
            if (id !== "killed" || passed++ !== points) return;
            isKilled = true;
            child.kill("SIGKILL");
            await child.status;
          },
        });
        const [program = "", ...args] = runtime.command;
        const child = new Deno.Command(program, {
          args: [...args, "killed.mjs", proxy.url, "killed", file, ...levels],
          cwd: project,
          stdout: "piped",
          stderr: "null",
        }).spawn();
        const output = await new Response(child.stdout).text();
        await child.status;
        const rest = await run([...runtime.command, "killed.mjs", proxy.url, "heir", file, last], project);
        assertEquals(rest, `stored ${last}\nleft 0\n`, `killed at ${points}`);
        const all = await stored();
        for (const level of [...levels, last]) {
          const times = all.filter((one) => one === Number(level)).length;
          const isStored = level === last || output.includes(`stored ${level}\n`);
          assert(
            isStored ? times === 1 : times <= 1,
            `${level} is there ${times} times, killed at ${points}`,
          );
        }
      }
      // Two points for each of schema, keys, tokens and two logs.
      assert(points >= 10, `killed at ${points} points`);
    }),
);

const README = await Deno.readTextFile(new URL("README.md", ROOT));
const [, EXAMPLE = ""] =
  /```ts[^\n]*\n(import \{ DitClient \} from "\.\/client\/mod\.ts";[\s\S]*?)```/.exec(README) ?? [];

runtimeTest("the README's example works when pasted", (runtime) =>
  withService(async ({ url }) => {
    assertMatch(EXAMPLE, /http:\/\/localhost:8000/);
    const isDeno = runtime.name === "Deno";
    const { command } = isDeno ? DENO_OF_SOURCE : runtime;
    const file = isDeno ? `${project}/example.ts` : `${project}/example.mjs`;
    const source = EXAMPLE.replaceAll("http://localhost:8000", url)
      // Each service has keys of its own.
      .replace(".dit/example", `.dit/${runtime.name}`)
      .replace("./client/mod.ts", isDeno ? new URL("client/mod.ts", ROOT).href : "@dit/client");
    await Deno.writeTextFile(file, source);
    assertEquals(
      await run([...command, file], project),
      "1 event arrived, and nobody knows that it was alice's\n",
    );
  }));

Deno.test("the examples for Node and Deno run as they stand", () =>
  withService(async ({ folder, url }) => {
    // They go on with one another's token: the file is the same.
    for (const runtime of runtimes.filter(({ missing }) => missing === undefined)) {
      assertEquals(await run([...runtime.command, "main.mjs", url], project), "1 arrived\n", runtime.name);
    }
    const example = await Deno.readTextFile(new URL("examples/deno/main.ts", ROOT));
    const file = new URL("tests/sdk/.deno_example.ts", ROOT);
    await Deno.writeTextFile(file, example.replace("http://localhost:8000", url));
    try {
      assertEquals(await run([...DENO_OF_SOURCE.command, file.pathname], folder), "1 arrived\n");
    } finally {
      await Deno.remove(file);
    }
  }));

/** What a TypeScript app writes, right and wrong. */
const TYPED = `
import { browserStorage, type ClientStorage, DitClient, Entries, MemoryStorage } from "@dit/client";
import { localDpReport } from "@dit/client/local_dp";
import { nobleP384 } from "@dit/client/p384";
import { FileStorage } from "@dit/client/storage_file";
import { declaredSchema, defineConfig, type EventsOf } from "@dit/client/config";
import type { DemoEvents } from "./events.d.ts";
import declared from "./demo.schema.json" with { type: "json" };
type Events = { note_saved: { ok: boolean; platform: "web" | "phone"; latency_ms?: number } };
const session = async () => "jwt";
const client = new DitClient<Events>({
  endpoint: "https://telemetry.example", app: "notes", session,
  storage: new FileStorage("x.json"), localDp: localDpReport, suite: nobleP384,
});
client.log("note_saved", { ok: true, platform: "web", latency_ms: 41.7 });
// @ts-expect-error a misspelt event
client.log("note_savd", { ok: true, platform: "web" });
// @ts-expect-error a value that the field cannot take
client.log("note_saved", { ok: true, platform: "tv" });
client.on("sent", ({ events, replayed }) => { const n: number = events; const r: boolean = replayed; void [n, r]; });
// @ts-expect-error nothing that a client tells
client.on("sended", () => {});
client.on("dropped", ({ reason }) => {
  if (reason === "queue_full" || reason === "status_502") return;
  // @ts-expect-error nothing that is dropped for
  if (reason === "bored") return;
});
const storage: ClientStorage = await browserStorage("x");
const untyped: DitClient = new DitClient({ endpoint: "https://t.example", app: "notes", session, storage });
untyped.log("anything", { a: 1, b: true, c: "text" });
const seen: string | undefined = (await client.inspect())?.pseudonym;
void [seen, Entries, MemoryStorage, defineConfig, declaredSchema];
const demo = new DitClient<DemoEvents>({ endpoint: "https://t.example", app: "demo", session });
demo.log("client_start", { platform: "linux", runtime: "2.9" });
new DitClient<DemoEvents>({ endpoint: "https://t.example", app: "demo", session, declared });
const config = defineConfig({ issuer: "t.example", applications: { } });
// @ts-expect-error no application of that name
declaredSchema(config, "demo");
// @ts-expect-error a field that is missing
demo.log("client_start", { platform: "linux" });
// @ts-expect-error no version
demo.log("client_start", { platform: "linux", runtime: "two" });
export type Unused = EventsOf<never, never>;
`;

Deno.test("the packed package's types, and those of `deno task schema types`, hold in TypeScript, as Node and as bundlers resolve", async () => {
  await Deno.writeTextFile(`${project}/typed.ts`, TYPED);
  await run(
    [Deno.execPath(), "task", "schema", "types", "--app=demo", `--out=${project}/events.d.ts`],
    ROOT.pathname,
  );
  for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]] as const) {
    await run([
      ..."npx -y -p typescript@5.9.3 tsc --noEmit --strict --exactOptionalPropertyTypes --target es2022"
        .split(" "),
      ...["--lib", "es2023,dom,dom.iterable", "--module", module, "--moduleResolution", resolution],
      "--resolveJsonModule",
      "typed.ts",
    ], project);
  }
});

Deno.test("the package can be published on JSR", async () => {
  await run([Deno.execPath(), "publish", "--dry-run", "--allow-dirty"], ROOT.pathname);
});

Deno.test("the client is within its size, and as large as the README says", async () => {
  const output = await run([Deno.execPath(), "task", "size"], ROOT.pathname);
  const sizes = [...output.matchAll(/([0-9.]+) KiB by esbuild/g)].map(([, kib]) => Number(kib));
  assertEquals(sizes.length, 2, output);
  assert(sizes.every((kib) => kib <= 44), output);
  const stated = /([0-9]+) KiB\s+minified\s+by\s+esbuild\s+and\s+gzipped/.exec(README)?.[1];
  assertEquals(stated, Math.max(...sizes).toFixed(0));
});
