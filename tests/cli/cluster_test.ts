import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { runFlags } from "../../cli/service_process.ts";
import configuration from "../../deno.json" with { type: "json" };

Deno.test("runFlags() takes a script's permissions from its task", () => {
  const task =
    "export A=b && deno run --allow-all cli/x.ts && deno run --allow-net=127.0.0.1 --allow-ffi main.ts";
  assertEquals(runFlags(task, "main.ts"), ["--allow-net=127.0.0.1", "--allow-ffi"]);
  assertEquals(runFlags(task, "cli/x.ts"), ["--allow-all"]);
  assertEquals(runFlags("deno run main.ts", "main.ts"), []);
  for (const other of ["", "main.ts", "deno test main.ts", "deno run --check other.ts main.ts"]) {
    assertThrows(() => runFlags(other, "main.ts"), Error, 'Cannot find "deno run --... main.ts"');
  }
});

function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

Deno.test("cli/cluster.ts runs three processes on one store, outlives the death of one, and ends on SIGINT", async () => {
  const folder = await Deno.makeTempDir();
  const ports = freePorts(3) as [number, number, number];
  const cluster = new Deno.Command("deno", {
    args: [
      "run",
      ...runFlags(configuration.tasks["dev:cluster"].command, "cli/cluster.ts"),
      import.meta.resolve("../../cli/cluster.ts"),
      `--ports=${ports}`,
    ],
    cwd: folder,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let printed = "";
  const reading = (async () => {
    for await (const text of cluster.stdout.pipeThrough(new TextDecoderStream())) printed += text;
  })();
  const prints = async (text: string) => {
    for (let attempt = 0; !printed.includes(text); attempt++) {
      assert(attempt < 600, `"${text}" was never printed:\n${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const get = async (port: number, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  try {
    await prints("Ctrl-C ends all of it");
    const keys = await Promise.all(ports.map((port) => get(port, "/v1/apps/demo/keys")));
    assertStringIncludes(keys[0]!.text, "token-keys");
    assertEquals(keys.map(({ text }) => text), ports.map(() => keys[0]!.text));

    const process = new RegExp(`:${ports[1]} +\\(process ([0-9]+)\\)`).exec(printed)?.[1];
    Deno.kill(Number(process), "SIGKILL");
    await prints(`[${ports[1]}] ended with code 137; the others go on`);
    await assertRejects(() => get(ports[1], "/readyz"), TypeError);
    assertEquals((await get(ports[0], "/readyz")).status, 200);
    assertEquals((await get(ports[2], "/readyz")).status, 200);
  } finally {
    try {
      cluster.kill("SIGINT");
    } catch {
      // It has ended too early, which its code shows.
    }
    const { code } = await cluster.status;
    await reading;
    assertEquals(code, 0, printed);
    assertStringIncludes(printed, "The cluster has ended");
    for (const port of ports) await assertRejects(() => get(port, "/readyz"), TypeError);
    await Deno.remove(folder, { recursive: true });
  }
});
