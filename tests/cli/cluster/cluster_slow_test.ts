import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { startMembers } from "../../support/processes/processes_command.ts";
import { freePorts } from "../../support/processes/free_ports.ts";

Deno.test("cli/cluster/cluster.ts runs three processes on one store, outlives the death of one, and ends on SIGINT", async () => {
  const folder = await Deno.makeTempDir();
  const ports = freePorts(3) as [number, number, number];
  let adminPorts = freePorts(3);
  while (adminPorts[2] !== adminPorts[0]! + 2) adminPorts = freePorts(3);
  const cluster = startMembers({
    task: "dev:cluster",
    script: "cli/cluster/cluster.ts",
    folder,
    ports,
    env: { DIT_ADMIN_PORT: String(adminPorts[0]) },
  });
  const get = async (port: number, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  try {
    await cluster.prints("Ctrl-C ends all of it");
    const keys = await Promise.all(ports.map((port) => get(port, "/v1/apps/demo/keys")));
    assertStringIncludes(keys[0]!.text, "token-keys");
    assertEquals(keys.map(({ text }) => text), ports.map(() => keys[0]!.text));

    // Each has a port of its own for operators, and nothing of theirs on the other.
    for (const [index, port] of ports.entries()) {
      assertEquals((await get(port, "/console")).status, 404);
      assertEquals((await get(adminPorts[index]!, "/console")).status, 200);
    }

    const process = new RegExp(`:${ports[1]} +\\(process ([0-9]+)\\)`).exec(cluster.printed())?.[1];
    Deno.kill(Number(process), "SIGKILL");
    await cluster.prints(`[${ports[1]}] ended with code 137; the others go on`);
    await assertRejects(() => get(ports[1], "/readyz"), TypeError);
    assertEquals((await get(ports[0], "/readyz")).status, 200);
    assertEquals((await get(ports[2], "/readyz")).status, 200);
  } finally {
    const code = await cluster.interrupt();
    assertEquals(code, 0, cluster.printed());
    assertStringIncludes(cluster.printed(), "The cluster has ended");
    for (const port of ports) await assertRejects(() => get(port, "/readyz"), TypeError);
    await Deno.remove(folder, { recursive: true });
  }
});
