/**
 * Runtimes that play the real client: Deno and Node from the packed file, Chromium from a bundle of the source.
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
    { name: "Deno", start: () => startProgram(DENO) },
    // The oldest Node that the package supports.
    { name: "Node", start: async () => await startProgram(await fromNpm("Node", "node@20", "node")) },
    {
      name: "Chromium",
      missing: hasChromium ? undefined : "there is no Chromium",
      start: startPage,
    },
  ];
}

/** Starts the player in a project of its own. */
async function startProgram({ command, missing }: Runtime): Promise<Remote> {
  if (missing !== undefined) throw new Error(missing);
  const folder = await Deno.makeTempDir();
  await makeProject(folder, [PLAYER]);
  const control = startControl();
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args: [...args, "player.mjs", control.url],
    cwd: folder,
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return {
    ask: control.ask,
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]();
      await child.status;
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
