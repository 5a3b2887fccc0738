/** A program with the preset for command lines, in processes of their own: what it says, sends and keeps. */
import { assert, assertEquals } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { startReady } from "../support/processes/service_process.ts";
import { exportEvents } from "../support/store/stored_events.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { DENO, fromNpm, makeProject, type Runtime } from "./runtimes.ts";

const PROGRAM = new URL("cli_program.mjs", import.meta.url);
const NOTICE = "volume sends telemetry that cannot be linked to you. It collects how loud it is.\n" +
  "Nothing was collected in this run. To turn it off: volume --no-telemetry for one run, DO_NOT_TRACK=1 in the " +
  "environment for all. `volume --off` turns it off for good.\n";

const project = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));
await makeProject(project, [PROGRAM]);

/** What a run has written. */
interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** A service, and a program that reports to it in a runtime. */
interface Place {
  /** The folder of the program's state, which is not there yet. */
  readonly folder: string;
  /** Runs the program with a level; `at`: elsewhere than at the service. */
  run(level: number, flags?: string[], rest?: { env?: Record<string, string>; at?: string }): Promise<Ran>;
  /** The levels that were stored. */
  stored(): Promise<number[]>;
  /** How many requests met the service, sessions aside. */
  requests(): number;
}

async function withProgram(runtime: Runtime, body: (place: Place) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await using service = await startReady({
      folder: parent,
      port: freePort(),
      env: { DIT_THROTTLE: "1000000" },
    });
    const stored = async () =>
      (await exportEvents(service.url, parent)).map(({ fields }) => fields.level as number);
    let points = 0;
    const onPoint = () => Promise.resolve(void points++);
    await using proxy = startFaultProxy({ service: service.url, stored, onPoint });
    const folder = `${parent}/config/volume`;
    const isDeno = runtime.name === "Deno";
    const [program = "", ...first] = runtime.command;
    await body({
      folder,
      stored,
      requests: () => points,
      async run(level, flags = [], { env = {}, at = `${proxy.url}/cli/none.none.0` } = {}) {
        const module = `${project}/cli_program.mjs`;
        const args = [...first, ...isDeno ? ["--allow-env"] : [], module];
        const { success, stdout, stderr } = await new Deno.Command(program, {
          args: [...args, at, `${proxy.url}/session/cli`, folder, String(level), ...flags],
          cwd: project,
          env: { NO_COLOR: "1", DO_NOT_TRACK: "", DIT_OPT_OUT: "", ...env },
        }).output();
        const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
        assert(success, text(stderr));
        return { stdout: text(stdout), stderr: text(stderr) };
      },
    });
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

/** A service that takes requests and answers none. */
function startSilence(): { readonly url: string; stop(): Promise<void>; readonly asked: Promise<void> } {
  const asked = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<Response>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    asked.resolve();
    return stopped.promise;
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked: asked.promise,
    async stop() {
      stopped.resolve(new Response());
      await server.shutdown();
    },
  };
}

for (const runtime of [DENO, await fromNpm("Node 22", "node@22", "node")]) {
  const test = (what: string, body: (place: Place) => Promise<void>) =>
    Deno.test({
      name: `${runtime.name}: ${what}${runtime.missing === undefined ? "" : `: not run, ${runtime.missing}`}`,
      ignore: runtime.missing !== undefined,
      fn: () => withProgram(runtime, body),
    });

  test("the first run tells its user and collects nothing, the next one sends and is silent", async (place) => {
    assertEquals(await place.run(1), { stdout: "ended\n", stderr: NOTICE });
    assertEquals(place.requests(), 0);
    assertEquals((await Array.fromAsync(Deno.readDir(place.folder))).map(({ name }) => name), ["notice.txt"]);
    // It may be cut after 0.3 seconds on a machine that is busy: then the next ones go on.
    for (let level = 2; (await place.stored()).length === 0; level++) {
      assertEquals((await place.run(level)).stderr, "");
    }
    assertEquals((await place.stored()).includes(1), false);
  });

  test("a flag and the variables have nothing collected, and nothing said or stored", async (place) => {
    for (const env of [{ DO_NOT_TRACK: "1" }, { DIT_OPT_OUT: "1" }, {}]) {
      const flags = Object.keys(env).length === 0 ? ["--no-telemetry"] : [];
      assertEquals(await place.run(1, flags, { env }), { stdout: "ended\n", stderr: "" });
      await place.run(2, flags, { env });
    }
    assertEquals(place.requests(), 0);
    assertEquals(await Deno.stat(place.folder).catch(({ name }) => name), "NotFound");
    // After `--` it is not the program's own.
    assertEquals((await place.run(3, ["--", "--no-telemetry"])).stderr, NOTICE);
  });

  test("who turns it off for good is asked nothing again, and nothing is sent", async (place) => {
    assertEquals((await place.run(1, ["--off"])).stderr, NOTICE);
    for (const level of [2, 3]) assertEquals(await place.run(level), { stdout: "ended\n", stderr: "" });
    assertEquals(place.requests(), 0);
  });

  test("a service that does not answer is not waited for, and the next runs send all of it once", async (place) => {
    await place.run(0);
    const silence = startSilence();
    const levels = [1, 2, 3];
    for (const level of levels) {
      assertEquals(await place.run(level, [], { at: silence.url }), { stdout: "ended\n", stderr: "" });
    }
    await silence.asked;
    await silence.stop();
    let all: number[] = [];
    for (let level = 4; !levels.every((one) => all.includes(one)); level++) {
      await place.run(level);
      all = await place.stored();
    }
    assertEquals(all.length, new Set(all).size);
  });

  test("a program that forgets to end it sends all the same", async (place) => {
    await place.run(0);
    for (let level = 1; (await place.stored()).length === 0; level++) {
      const { stdout, stderr } = await place.run(level, ["--forgets-to-end"]);
      assertEquals([stdout.replace(/sent \d+\n/, ""), stderr], ["", ""]);
    }
  });

  test("a folder that cannot be made costs the telemetry and nothing else", async (place) => {
    await Deno.writeTextFile(place.folder.replace("/config/volume", "/config"), "");
    assertEquals(await place.run(1), { stdout: "ended\n", stderr: "" });
    assertEquals(place.requests(), 0);
  });
}
