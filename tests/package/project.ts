/**
 * A project that has installed the packed `@dit/client`, with the tools that its users have.
 *
 * @module
 */
import { buildPackage, run } from "../sdk/runtimes.ts";

/** What is installed beside the package: what adopters check and bundle it with. */
const TOOLS = [
  "@arethetypeswrong/cli@0.18.5",
  "publint@0.3.25",
  "typescript@5.9.3",
  "acorn@8.19.0",
  "esbuild@0.28.2",
  "vite@8.4.0",
  "webpack@5.113.0",
  "jest@30.5.2",
  "jest-environment-jsdom@30.5.2",
];

/** The project. */
export interface Project {
  readonly folder: string;
  /** The packed file. */
  readonly packed: string;
  /** Why the tools are not there, if so. */
  readonly missing: string | undefined;
}

/** Makes the project; it is removed when the tests are over. */
export async function makeProject(): Promise<Project> {
  const folder = await Deno.makeTempDir();
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const packed = await buildPackage(`${folder}/dist`);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "private": true, "type": "module" }');
  let missing: string | undefined;
  try {
    await run(["npm", "install", "--no-audit", "--no-fund", "--silent", packed, ...TOOLS], folder);
  } catch (error) {
    missing = `npm does not give the tools: ${(error as Error).message}`;
  }
  return { folder, packed, missing };
}

/** Registers a test that needs the tools. Without them it is passed over, and says so. */
export function projectTest({ missing }: Project, name: string, body: () => Promise<void>): void {
  // deno-lint-ignore no-console -- a test that is not run says why.
  if (missing !== undefined) console.log(`Not run, since ${missing}: ${name}`);
  Deno.test({ name, ignore: missing !== undefined, sanitizeOps: false, sanitizeResources: false, fn: body });
}
