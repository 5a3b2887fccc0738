/**
 * Runtimes that play the real client: Deno from the source, Node from the packed file, Chromium from a bundle.
 *
 * @module
 */
import { hasChromium, startChromium } from "../support/browser/chromium.ts";
import { DENO, fromNpm, makeProject, type Runtime } from "../sdk/runtimes.ts";
import { type Remote, startControl } from "./remote.ts";

const PLAYER = new URL("player.mjs", import.meta.url);

/** A runtime that can play. */
export interface Player {
  readonly name: string;
  /** Why it cannot be had, if so. */
  readonly missing?: string | undefined;
  readonly start: () => Promise<Remote>;
}

/** Every runtime in which each lie is told. */
export function findPlayers(): Player[] {
  return [
    { name: "Deno", start: () => Promise.resolve(startProgram(DENO, PLAYER.pathname)) },
    { name: "Node", start: startNode },
    {
      name: "Chromium",
      missing: hasChromium ? undefined : "there is no Chromium",
      start: startPage,
    },
  ];
}

function startProgram({ command }: Runtime, module: string, folder?: string): Remote {
  const control = startControl();
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args: [...args, module, control.url],
    ...folder !== undefined && { cwd: folder },
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return {
    ask: control.ask,
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]();
      await child.status;
    },
  };
}

/** The oldest Node that the package supports. */
async function startNode(): Promise<Remote> {
  const runtime = await fromNpm("Node", "node@20", "node");
  if (runtime.missing !== undefined) throw new Error(runtime.missing);
  const folder = await Deno.makeTempDir();
  await makeProject(folder, [PLAYER]);
  const remote = startProgram(runtime, `${folder}/player.mjs`, folder);
  return {
    ask: remote.ask,
    async [Symbol.asyncDispose]() {
      await remote[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function startPage(): Promise<Remote> {
  const { success, errors, outputFiles = [] } = await Deno.bundle({
    entrypoints: [PLAYER.pathname],
    platform: "browser",
    write: false,
  });
  if (!success) throw new Error(errors.map(({ text }) => text).join("\n"));
  const control = startControl({
    "/": '<!doctype html><script type="module" src="/player.js"></script>',
    "/player.js": outputFiles.map((file) => file.text()).join(""),
  });
  const chromium = await startChromium();
  const page = await chromium.context.newPage();
  await page.goto(control.url);
  return {
    ask: control.ask,
    async [Symbol.asyncDispose]() {
      await chromium[Symbol.asyncDispose]();
      await control[Symbol.asyncDispose]();
    },
  };
}
