import { assert, assertEquals } from "@std/assert";
import configuration from "../../deno.json" with { type: "json" };
import { freePort } from "../support/processes/free_ports.ts";
import { countRows, Folders, startReady } from "../support/processes/service_process.ts";
import { flagsOfTask, type TaskName } from "../support/processes/task_flags.ts";

const ROOT = new URL("../../", import.meta.url);

/** The commands of people; what tests and benches are started with, deno test itself or their author reads. */
const COMMANDS: Partial<Record<TaskName, string>> = {
  dev: "cli/start.ts",
  start: "cli/start.ts",
  demo: "cli/demo/demo.ts",
  "dev:cluster": "cli/cluster/cluster.ts",
  "dev:regions": "cli/cluster/regions.ts",
  dit: "cli/dit.ts",
  check: "cli/check.ts",
  schema: "cli/schema.ts",
  keys: "cli/keys.ts",
  logs: "cli/logs.ts",
  release: "cli/release.ts",
  risk: "cli/risk.ts",
  audit: "cli/audit.ts",
  trail: "cli/trail.ts",
  backup: "cli/backup.ts",
  restore: "cli/restore.ts",
  capacity: "cli/capacity.ts",
  version: "cli/version.ts",
  store: "cli/store.ts",
  stores: "cli/stores.ts",
};

/** What a command said at its end. */
interface Said {
  readonly code: number;
  readonly lines: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a task's command in a folder, as the user of the tests or as nobody. */
async function run(
  task: TaskName,
  args: readonly string[],
  folder: string,
  env: Record<string, string> = {},
): Promise<Said> {
  const script = COMMANDS[task] ?? "";
  const flags = flagsOfTask(task, script)
    .map((flag) => flag.replace("--config=", `--config=${ROOT.pathname}`));
  const development = configuration.tasks[task].command.startsWith("export DIT_ENV=development");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...flags, new URL(script, ROOT).pathname, ...args],
    // It reads the tasks of the folder in which deno task runs it.
    cwd: task === "dit" ? ROOT : folder,
    env: {
      PATH: `${Deno.execPath().replace(/\/[^/]+$/, "")}:${Deno.env.get("PATH")}`,
      NO_COLOR: "1",
      ...development ? { DIT_ENV: "development" } : {},
      ...env,
    },
    stdin: "null",
  }).output();
  const [out = "", err = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const lines = `${out}\n${err}`.split("\n").filter((line) => line.trim() !== "");
  return { code, lines, stdout: out, stderr: err };
}

/** Asserts that a mistake was answered with a few lines for a person. */
function assertTold({ code, lines }: Pick<Said, "code" | "lines">, what: string, most = 6): void {
  const text = lines.join("\n");
  assert(code !== 0, `${what} went through:\n${text}`);
  assert(lines.length >= 1 && lines.length <= most, `${what}: ${lines.length} lines:\n${text}`);
  for (const sign of ["at file:///", "error: Uncaught", "    at ", "deno_core", "ext:"]) {
    assert(!text.includes(sign), `${what} shows a stack:\n${text}`);
  }
}

/** With which code a person's mistake ends a command: a start with one after which nobody starts it again by itself. */
function codeOf(task: TaskName, code = 1): number {
  return task === "start" || task === "dev" ? 78 : code;
}

const PRODUCTION = {
  DIT_SEAL_KEYS: new Uint8Array(32).toBase64(),
  DIT_SESSION_SECRET: "a session secret of tests, longer than 32 bytes",
};

Deno.test("every command of deno.json is in the sweep", () => {
  const commands = Object.entries<{ command: string }>(configuration.tasks)
    .filter(([, { command }]) => /\bcli\//.test(command)).map(([name]) => name);
  assertEquals(commands.toSorted(), Object.keys(COMMANDS).toSorted());
});

Deno.test("every command prints how it is used, and refuses an option, a word and a value that it does not know", async (test) => {
  await using folders = new Folders();
  const folder = await folders.make();
  for (const task of Object.keys(COMMANDS) as TaskName[]) {
    await test.step(task, async () => {
      const help = await run(task, ["--help"], folder);
      assertEquals(
        [help.code, help.lines[0]?.startsWith("Usage: deno task ")],
        [0, true],
        help.lines.join("\n"),
      );
      const unknown = await run(task, ["--nonsense"], folder);
      assertTold(unknown, `${task} --nonsense`);
      assertEquals(unknown.code, codeOf(task, 2));
      const words = await run(task, ["one", "two", "three"], folder);
      assertTold(words, `${task} one two three`);
      assertEquals(words.code, codeOf(task, 2));
      assert(words.lines.join().includes('"one"'), words.lines.join("\n"));
    });
  }
});

Deno.test("the help of every subcommand says a sentence for each of its options", async (test) => {
  await using folders = new Folders();
  const folder = await folders.make();
  for (const task of Object.keys(COMMANDS) as TaskName[]) {
    if (task === "dit") continue;
    await test.step(task, async () => {
      const { lines } = await run(task, ["--help"], folder);
      const named = lines.flatMap((line) =>
        new RegExp(`deno task ${task} ([a-z][a-z-]*)`).exec(line)?.[1] ?? []
      );
      for (const subcommand of [[], ...named.map((name) => [name])]) {
        const help = await run(task, [...subcommand, "--help"], folder);
        assertEquals([help.code, help.stderr], [0, ""]);
        const [usage = ""] = help.stdout.split("\n\n");
        const own = usage.replace(/\n {7}deno task [^]*/, "").matchAll(/--[a-z-]+/g);
        if (named.length > 0 && subcommand.length === 0 && !help.stdout.includes("  --help")) continue;
        for (const [option] of own) {
          assert(new RegExp(`^  ${option}[^.]* {2,}[A-Z]`, "m").test(help.stdout), `${task}: ${option}`);
        }
      }
    });
  }
});

Deno.test("deno task -q dit runs a command as its task does, and shows nothing of how", async () => {
  const dit = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "dit", ...args],
      cwd: ROOT,
      env: { PATH: `${Deno.execPath().replace(/\/[^/]+$/, "")}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    return [code, ...[stdout, stderr].map((bytes) => new TextDecoder().decode(bytes))] as const;
  };
  assertEquals(await dit("version"), [0, (await run("version", [], ROOT.pathname)).stdout, ""]);
  const [code, stdout, stderr] = await dit("check", "--frob");
  assertEquals([code, stdout, stderr], [
    2,
    "",
    'Unknown option "--frob": deno task check --help explains it.\n',
  ]);
  assertEquals((await dit("dev"))[0], 2);
});

/** Files that are wrong, in the place of what a command reads or writes. */
const WRONG: readonly [task: TaskName, args: string[], env: Record<string, string>, code?: number][] = [
  ["start", [], { ...PRODUCTION, DIT_KV: "kv.sqlite3", DIT_CONFIG: "missing.js" }],
  ["start", [], { ...PRODUCTION, DIT_KV: "kv.sqlite3", DIT_CONFIG: "broken.js" }],
  ["start", [], { ...PRODUCTION, DIT_KV: "kv.sqlite3", DIT_CONFIG: "throws.js" }],
  ["start", [], { ...PRODUCTION, DIT_KV: "kv.sqlite3", DIT_CONFIG: "empty.js" }],
  ["start", [], { ...PRODUCTION, DIT_KV: "text" }],
  ["start", [], { ...PRODUCTION, DIT_KV: "text/kv.sqlite3" }],
  ["start", [], { ...PRODUCTION, DIT_KV: "folder" }],
  ["start", [], { ...PRODUCTION, DIT_KV: "kv.sqlite3", HOST: "no such host" }],
  ["start", ["--processes", "2"], { ...PRODUCTION, DIT_KV: "kv.sqlite3" }],
  ["start", ["--processes", "many"], { ...PRODUCTION, DIT_KV: "kv.sqlite3" }],
  ["dev", [], { DIT_CONFIG: "broken.js" }],
  ["check", [], { DIT_CONFIG: "missing.js" }],
  ["check", [], { DIT_CONFIG: "broken.js" }],
  ["check", ["--at", "tomorrow"], {}, 2],
  ["schema", ["docs", "--out=text/page.md"], {}],
  ["schema", ["docs", "--app=nobody"], {}],
  ["schema", ["types", "--out="], {}, 2],
  ["schema", ["types", "--out=demo.schema.json"], {}],
  ["schema", ["types"], { DIT_CONFIG: "throws.js" }],
  ["keys", ["list"], { ...PRODUCTION, DIT_KV: "text" }],
  ["keys", ["list"], { ...PRODUCTION, DIT_KV: "text/kv.sqlite3" }],
  ["keys", ["list"], { ...PRODUCTION, DIT_KV: "folder" }],
  ["keys", ["list"], { DIT_ADMIN_URL: "nonsense" }],
  ["logs", ["export", "--app", "demo", "--day", "2027-02-30"], {}, 2],
  ["release", ["--day", "yesterday"], {}, 2],
  ["release", [], { DIT_CONFIG: "broken.js" }],
  ["backup", ["--to", "text/copy"], { DIT_KV: "text" }],
  ["backup", ["--to", "copy"], { DIT_KV: "missing" }],
  ["backup", ["--to", "text"], { DIT_KV: "text" }],
  ["backup", ["--to", "copy"], { DIT_KV: "text" }],
  ["restore", ["--from", "missing"], { ...PRODUCTION, DIT_KV: "kv.sqlite3" }],
  ["restore", ["--from", "text"], { ...PRODUCTION, DIT_KV: "kv.sqlite3" }],
  ["restore", ["--from", "folder"], { ...PRODUCTION, DIT_KV: "kv.sqlite3" }],
  ["restore", ["--from", "text"], { ...PRODUCTION, DIT_KV: "text/kv.sqlite3" }],
  ["capacity", ["--clients", "many"], {}, 2],
  ["demo", ["--endpoint=nonsense"], {}, 2],
  ["demo", ["--clients=0"], {}, 2],
  ["demo", ["--scenario=nonsense"], {}, 2],
  ["dev:cluster", ["--ports=0"], {}, 2],
  ["dev:cluster", ["--store=nonsense"], {}, 2],
  ["dev:regions", ["--ports=8001"], {}, 2],
];

Deno.test("a wrong file, folder or value ends every command with sentences", async (test) => {
  for (const [task, args, env, code] of WRONG) {
    await test.step(`${task} ${args.join(" ")} ${JSON.stringify(env.DIT_KV ?? env.DIT_CONFIG ?? "")}`, async () => {
      await using folders = new Folders();
      const folder = await folders.make();
      await Deno.writeTextFile(`${folder}/text`, "no database\n");
      await Deno.mkdir(`${folder}/folder`);
      await Deno.writeTextFile(`${folder}/broken.js`, "export default {{{;\n");
      await Deno.writeTextFile(`${folder}/throws.js`, "throw new Error('on purpose');\n");
      await Deno.writeTextFile(`${folder}/empty.js`, "export {};\n");
      const said = await run(task, args, folder, { PORT: String(freePort()), ...env });
      assertTold(said, `${task} ${args}`);
      assertEquals(said.code, codeOf(task, code), said.lines.join("\n"));
    });
  }
});

Deno.test("a file in the place of .dit, and a port that is taken, end what needs them with sentences", async (test) => {
  await using folders = new Folders();
  const [blocked, taken] = [await folders.make(), await folders.make()];
  await Deno.writeTextFile(`${blocked}/.dit`, "");
  for (
    const task of [
      "dev",
      "dev:cluster",
      "dev:regions",
      "demo",
      "keys",
      "logs",
      "risk",
      "audit",
      "release",
    ] as const
  ) {
    await test.step(`${task} with .dit a file`, async () => {
      const args = ARGUMENTS[task] ?? [];
      const env = { PORT: String(freePort()) };
      assertTold(await run(task, args, blocked, env), task, 10);
    });
  }
  await using _service = await startReady({ folder: taken, port: freePort() });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  const elsewhere = await folders.make();
  for (const task of ["dev", "dev:regions"] as const) {
    await test.step(`${task} on a port that is taken`, async () => {
      const args = task === "dev" ? [] : [`--ports=${port},${freePort()}`];
      assertTold(await run(task, args, elsewhere, { PORT: port }), task, 10);
    });
  }
  for (const task of ["dev", "demo", "restore", "keys"] as const) {
    await test.step(`${task} beside a service on another port`, async () => {
      await Deno.writeTextFile(`${taken}/copy`, "x");
      const args = task === "restore" ? ["--from", "copy", "--yes"] : ARGUMENTS[task] ?? [];
      assertTold(await run(task, args, taken, { PORT: String(freePort()) }), task, 10);
    });
  }
});

const ARGUMENTS: Partial<Record<TaskName, string[]>> = {
  keys: ["list"],
  logs: ["export", "--app", "demo", "--day", "2027-01-15"],
  risk: ["list", "--app", "demo"],
  demo: ["--clients=1"],
};

Deno.test("the demo ends with sentences when the service dies under it", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  const service = await startReady({ folder, port: freePort() });
  const demo = run("demo", ["--clients=5000", `--endpoint=${service.url}`], folder);
  while (await countClaims(service.url) < 10) await new Promise((resolve) => setTimeout(resolve, 50));
  await service.end("SIGKILL");
  const { code, lines } = await demo;
  assertTold({ code, lines: lines.filter((line) => !line.startsWith("The console shows it")) }, "demo", 3);
});

async function countClaims(url: string): Promise<number> {
  return (await countRows(url))["claimed uses"] ?? 0;
}
