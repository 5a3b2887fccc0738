// deno-lint-ignore-file no-console -- what is passed over is said.
/**
 * Runs every command of README.md and docs/*.md, page by page and in order, in a copy of the repository and against the
 * service that the page itself starts, on a free port. What is not run as it stands is listed here with its reason.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { isReady } from "../../cli/cluster/service_process.ts";
import { commandsOf, type Page, readPages, ROOT } from "../support/http/documents.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { DAY_SECONDS, inOnePeriod } from "../support/processes/in_one_period.ts";
import { Terminal } from "../support/processes/terminal.ts";

/** Instead of which command what is run; nothing, where `run` is absent. */
interface Instead {
  readonly run?: string;
  readonly because: string;
}

/** Loads every test of a suite and runs none. */
const STARTS = '--no-check --filter "no test has this name"';

const RELEASED = {
  because: "tests/processes/release_command_test.ts runs it on a service that has released",
};

const INSTEAD: Readonly<Record<string, Instead>> = {
  "npx -y deno@2.9.6 task test": {
    because: "CI runs it: the last test of this file holds .ci/run to that",
  },
  "npx -y deno@2.9.6 task test:slow": {
    because: "CI runs it: the last test of this file holds .ci/run to that",
  },
  "deno task demo": {
    run: "deno task demo --clients=20",
    because: "a tenth of the clients do the same in a tenth of the time",
  },
  "deno task demo --scenario crash-by-version": {
    because: "tests/processes/demo_scenarios_test.ts runs it with fewer clients",
  },
  "deno task demo --scenario leak": { because: "tests/processes/demo_scenarios_test.ts runs it" },
  "deno task keys replace --app demo": {
    because: "tests/processes/moved_clock_test.ts runs it on a store whose keys are gone",
  },
  "deno task keys publish --app demo --from https://tokens.example --out /srv/mirror/demo": {
    because: "tests/processes/publish_test.ts runs it against a service of its own",
  },
  "deno task release verify": RELEASED,
  'curl --fail -H "Authorization: Bearer $READER_TOKEN" http://localhost:8000/admin/v1/apps/demo/releases > releases.json':
    RELEASED,
  'curl --fail -H "Authorization: Bearer $READER_TOKEN" http://localhost:8000/admin/v1/trail.ndjson > trail.ndjson':
    RELEASED,
  "deno task release verify --file releases.json --trail trail.ndjson": RELEASED,
  "deno task test:statistics": {
    run: `deno task test:statistics ${STARTS}`,
    because: "it takes minutes, and fails by chance once in a thousand times",
  },
};

/** Commands that go on until Ctrl-C. */
const SERVES = /^deno task (?:dev|start)$/;
/** A comment that asks the reader to press it. */
const STOP = /^stop the service\b/;

const SKIPPED = /^(?:\.git|\.dit|node_modules|coverage|dist|screenshots)$/;

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (SKIPPED.test(name)) continue;
    if (isDirectory) await copyTree(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

function environment(port: number): Record<string, string> {
  const kept = ["HOME", "DENO_DIR", "NPM_CONFIG_REGISTRY", "LANG"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const deno = Deno.execPath().replace(/\/[^/]*$/, "");
  return {
    ...Object.fromEntries(kept),
    PATH: `${deno}:${Deno.env.get("PATH")}`,
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    PORT: String(port),
    HOST: "127.0.0.1",
  };
}

/** Presses Ctrl-C and asserts that the service ends in order. */
async function stop(terminal: Terminal, place: string): Promise<void> {
  const { code, output } = await terminal.interrupt();
  assertEquals(code, 0, `${place}: the service did not end in order:\n${output}`);
}

/** Runs a page. Gives the commands that it has. */
async function runPage(page: Page, folder: string): Promise<string[]> {
  const port = freePort();
  const here = (text: string) => text.replaceAll("localhost:8000", `localhost:${port}`);
  await using terminal = new Terminal(folder, environment(port));
  const seen: string[] = [];
  for (const block of page.blocks) {
    if (block.file !== undefined) await Deno.writeTextFile(`${folder}/${block.file}`, here(block.text));
    if (block.language !== "sh") continue;
    for (const { place, text, comment } of commandsOf(page.path, block)) {
      if (text === "") {
        if (STOP.test(comment)) await stop(terminal, place);
        continue;
      }
      seen.push(text);
      const instead = INSTEAD[text];
      if (instead !== undefined && instead.run === undefined) continue;
      const command = here((instead?.run ?? text).replace(/^npx -y deno@[\d.]+ /, "deno "));
      if (SERVES.test(command)) {
        await terminal.serve(command, () => isReady(`http://127.0.0.1:${port}`));
        continue;
      }
      const { code, output } = await terminal.run(command);
      assertEquals(code, 0, `${place}: ${command}\n${output}`);
    }
  }
  if (terminal.serves) await stop(terminal, page.path);
  return seen;
}

async function lacks(program: string): Promise<boolean> {
  return !(await new Deno.Command("bash", { args: ["-c", `command -v ${program}`] }).output()).success;
}

Deno.test("every command of the documents runs as they say, and none is listed that they do not have", async (test) => {
  if (await lacks("curl") || await lacks("openssl")) {
    return console.log(
      "Install curl and openssl: the commands of the documents need them, and were not run.",
    );
  }
  const seen: string[] = [];
  for (const page of await readPages()) {
    if (!page.blocks.some(({ language }) => language === "sh")) continue;
    await test.step(page.path, async () => {
      // Some ask for the records of the day.
      seen.push(
        ...await inOnePeriod(DAY_SECONDS, async () => {
          const folder = await Deno.makeTempDir();
          try {
            await copyTree(ROOT.pathname.replace(/\/$/, ""), folder);
            return await runPage(page, folder);
          } finally {
            await Deno.remove(folder, { recursive: true });
          }
        }),
      );
    });
  }
  assert(seen.length > 20);
  assertEquals(
    Object.keys(INSTEAD).filter((command) => !seen.includes(command)),
    [],
    "no document has these",
  );
});

Deno.test("the documents and CI name one version of Deno", async () => {
  const texts = [
    await Deno.readTextFile(new URL(".ci/run", ROOT)),
    ...(await readPages()).map(({ text }) => text),
  ];
  const versions = texts.flatMap((text) =>
    [...text.matchAll(/\bdeno@([\d.]+\d)/g)].map(([, version]) => version)
  );
  assert(versions.length >= 3);
  assertEquals([...new Set(versions)].length, 1, versions.join());
  const run = await Deno.readTextFile(new URL(".ci/run", ROOT));
  assertMatch(run, /^for name in test test:slow .*do$/m);
});
