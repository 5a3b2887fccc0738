/** Nothing but its operator ends a process: errors that nothing catches, planted by a configuration module. */
import { assert, assertEquals, equal } from "@std/assert";
import { PERSONS_MISTAKE } from "../../boot/start_errors.ts";
import { failToStart, type RunningService } from "../support/processes/running_service.ts";
import { demoConfig, Folders, startReady } from "../support/processes/service_process.ts";
import { until } from "../support/store/with_kv_endpoint.ts";

/** A configuration that does what its standard input tells it, as a library with a bug would at any time. */
const PLANTING = `
const plants = {
  rejection: () => Promise.reject(new TypeError("canary: https://canary.example")),
  thing: () => Promise.reject({ canary: 1 }),
  timer: () => setTimeout(() => { throw new RangeError("canary"); }, 0),
  microtask: () => queueMicrotask(() => { throw new SyntaxError("canary"); }),
  listener: () => reportError(Object.assign(new Error("canary"), { code: "ECONNRESET" })),
};
(async () => {
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) plants[text.trim()]?.();
})();
`;

const FAULTS = {
  rejection: { kind: "rejection", name: "TypeError" },
  thing: { kind: "rejection", name: "object" },
  timer: { kind: "error", name: "RangeError" },
  microtask: { kind: "error", name: "SyntaxError" },
  listener: { kind: "error", name: "Error", code: "ECONNRESET" },
};

/** A folder whose configuration module does something besides. */
async function folderWith(folders: Folders, besides: string): Promise<string> {
  const folder = await folders.make();
  const config = `${besides}\nexport default ${JSON.stringify(demoConfig())};\n`;
  await Deno.writeTextFile(`${folder}/config.js`, config);
  return folder;
}

/** What the service says of its faults. */
async function counted(service: RunningService, folder: string): Promise<string[]> {
  const token = (await Deno.readTextFile(`${folder}/.dit/admin_token`)).trim();
  const response = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.text()).split("\n").filter((line) => line.startsWith("dit_faults_total"));
}

Deno.test("an error that nothing catches is told without what it says, counted, and ends nothing", async () => {
  await using folders = new Folders();
  const folder = await folderWith(folders, PLANTING);
  const service = await startReady({ folder, env: { DIT_CONFIG: "config.js" } });
  const before = await counted(service, folder);
  assertEquals(before, [
    'dit_faults_total{kind="rejection"} 0',
    'dit_faults_total{kind="error"} 0',
    'dit_faults_total{kind="listener"} 0',
    'dit_faults_total{kind="job"} 0',
  ]);
  for (const [plant, fault] of Object.entries(FAULTS)) {
    // A line a second at most: it is planted until it is the one that is told.
    await until(async () => {
      await service.say(plant);
      return service.events("fault").some(({ event: _, untold: __, ...told }) => equal(told, fault));
    });
  }
  assert(!service.lines.join("\n").includes("canary"), service.lines.join("\n"));
  assertEquals((await fetch(`${service.url}/readyz`)).status, 200);
  const after = await counted(service, folder);
  assert(!after.slice(0, 2).some((line) => line.endsWith(" 0")), after.join("\n"));
  assertEquals((await service.end("SIGTERM")).code, 0, service.lines.join("\n"));
});

Deno.test("an error that nothing catches at the start ends it and is seen", async () => {
  await using folders = new Folders();
  for (
    const [what, besides, exit] of [
      ["a rejection", `Promise.reject(new TypeError("an early bug"));`, 1],
      // A configuration that cannot be loaded is for a person to mend.
      ["an exception", `throw new TypeError("an early bug");`, PERSONS_MISTAKE],
    ] as const
  ) {
    const folder = await folderWith(folders, besides);
    const { code, sentences } = await failToStart({
      folder,
      env: { DIT_ENV: "development", DIT_CONFIG: "config.js" },
    });
    assertEquals(code, exit, what);
    assert(sentences.join("\n").includes("an early bug"), sentences.join("\n"));
  }
});
