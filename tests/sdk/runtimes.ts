/**
 * The runtimes in which apps use the SDK, and a fresh project that has it from the packed npm file.
 *
 * @module
 */
const ROOT = new URL("../../", import.meta.url).pathname;

/** A program that runs a module, from the folder where the SDK can be imported. */
export interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
  /** Why it cannot be had, if so. */
  readonly missing?: string;
}

/** Runs a command to its end; what it wrote to its standard output. Throws an `Error` with all output if it failed. */
export async function run(command: readonly string[], cwd: string): Promise<string> {
  const [program = "", ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd, env: { NO_COLOR: "1" } })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${command.join(" ")}: ${text(stdout)}${text(stderr)}`);
  return text(stdout);
}

/** What npm has of a runtime: the program itself, so that a signal reaches it and no wrapper. */
export async function fromNpm(name: string, specifier: string, program: string): Promise<Runtime> {
  try {
    const print = `console.log(process.execPath)`;
    const folder = await Deno.makeTempDir();
    try {
      const path = await run(["npx", "-y", "-p", specifier, program, "-e", print], folder);
      return { name, command: [path.trim()] };
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  } catch (error) {
    return { name, command: [], missing: `npm does not give ${specifier}: ${(error as Error).message}` };
  }
}

const deno = (...options: readonly string[]) => [
  ...[Deno.execPath(), "run", "--no-prompt", ...options],
  ...["--allow-net=127.0.0.1", "--allow-read", "--allow-write"],
];

/** The runtime of the tests themselves, in a project with the packed file. */
export const DENO: Runtime = { name: "Deno", command: deno("--node-modules-dir=manual") };

/** The same where a module imports the SDK's source. */
export const DENO_OF_SOURCE: Runtime = { name: "Deno", command: deno(`--config=${ROOT}deno.json`) };

/** Every runtime, and further versions of Node, one after the other: npm's cache does not like company. */
export async function findRuntimes(...others: readonly string[]): Promise<Runtime[]> {
  const runtimes: Runtime[] = [DENO];
  for (const version of ["20", "22", "24", ...others]) {
    runtimes.push(await fromNpm(`Node ${version}`, `node@${version}`, "node"));
  }
  runtimes.push(await fromNpm("Bun", "bun", "bun"));
  return runtimes;
}

/** Builds `@dit/client` in a folder of its own; the packed file. */
export async function buildPackage(folder: string): Promise<string> {
  return (await run([Deno.execPath(), "task", "package", folder], ROOT)).trim();
}

/** Packs the client, and installs it in a fresh project in `folder`, with `files` of this one beside it. */
export async function makeProject(folder: string, files: readonly URL[]): Promise<void> {
  const packed = await buildPackage(`${folder}/dist`);
  await Deno.writeTextFile(`${folder}/package.json`, '{"private":true,"type":"module"}');
  await run(["npm", "install", "--no-audit", "--no-fund", "--silent", packed], folder);
  for (const file of files) {
    await Deno.copyFile(file, `${folder}/${file.pathname.slice(file.pathname.lastIndexOf("/") + 1)}`);
  }
}
