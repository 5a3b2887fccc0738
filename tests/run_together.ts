// deno-lint-ignore-file no-console -- a command.
/**
 * Runs the tests that a change needs, many files of them in one isolate: for most files it takes longer to load and warm
 * up the service than to test it. Types are checked meanwhile, but with `--no-check`. Further arguments go to `deno test`.
 *
 * @module
 */
const ROOT = new URL("../", import.meta.url);
/** Each loads the whole service once; two a core of a small machine, so that one works while the other waits. */
const ISOLATES = 4;
/** Given to this command, it leaves types to `deno task types`. */
const UNCHECKED = "--no-check";
/** Tests with tasks of their own. */
const APART =
  /^tests\/(?:browser|deploy|faults|lies|package|postgres|processes|sdk)\/|^tests\/e2e_test\.ts$|_slow_test\.ts$/;

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}${name}`;
    if (isDirectory) files.push(...await testFiles(`${path}/`));
    else if (path.endsWith("_test.ts") && !APART.test(path)) files.push(path);
  }
  return files;
}

/** Writes modules that import the test files, each of them its share of every folder. */
async function writeEntries(folder: string, files: readonly string[]): Promise<string[]> {
  return await Promise.all(Array.from({ length: ISOLATES }, async (_, isolate) => {
    const share = files.filter((_, index) => index % ISOLATES === isolate);
    const entry = `${folder}/tests_${isolate + 1}.ts`;
    await Deno.writeTextFile(entry, share.map((file) => `import "${new URL(file, ROOT)}";\n`).join(""));
    return entry;
  }));
}

/** What `deno task types` checks last, so that it has nothing to do after it. */
async function checkTypes(): Promise<boolean> {
  if (Deno.args.includes(UNCHECKED)) return true;
  const { success, stderr } = await new Deno.Command("deno", {
    args: ["check", "--config=tests/deno.json", "."],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) await Deno.stderr.write(stderr);
  return success;
}

/**
 * Runs the tests. `hasCrashed`: the runtime came to an end by a mistake of its own (V8's "Check failed: node->IsInUse()"
 * was seen once in some twenty runs with 2.9.6, in no test in particular), so that nothing is known of the tests.
 */
async function runTests(entries: readonly string[]): Promise<{ success: boolean; hasCrashed: boolean }> {
  const tests = new Deno.Command("deno", {
    args: ["task", "test:only", "--parallel", ...new Set([UNCHECKED, ...Deno.args]), ...entries],
    cwd: ROOT,
    env: { DENO_JOBS: String(ISOLATES) },
    stderr: "piped",
  }).spawn();
  let hasCrashed = false;
  for await (const text of tests.stderr.pipeThrough(new TextDecoderStream())) {
    hasCrashed ||= text.includes("Deno has panicked");
    await Deno.stderr.write(new TextEncoder().encode(text));
  }
  const { success } = await tests.status;
  return { success, hasCrashed: hasCrashed && !success };
}

const folder = await Deno.makeTempDir({ prefix: "dit_tests_" });
try {
  const entries = await writeEntries(folder, (await testFiles("tests/")).sort());
  const checked = checkTypes();
  let { success, hasCrashed } = await runTests(entries);
  if (hasCrashed) {
    console.error("The runtime crashed, so nothing is known of the tests: all of them run once more.");
    ({ success } = await runTests(entries));
  }
  const isTyped = await checked;
  if (!isTyped) console.error("error: Types do not fit, see above.");
  if (!success || !isTyped) Deno.exitCode = 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}
