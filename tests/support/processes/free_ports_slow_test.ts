import { assert, assertEquals } from "@std/assert";
import { freePorts } from "./free_ports.ts";

const MODULE = import.meta.resolve("./free_ports.ts");

async function inAnotherProcess(): Promise<number[]> {
  const program = `import { freePorts } from ${JSON.stringify(MODULE)};
    for (let round = 0; round < 20; round++) console.log(freePorts(3).join("\\n"));`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n").map(Number);
}

Deno.test("freePorts() gives no port twice, in whatever process, and none that is taken", async () => {
  const [next] = freePorts(1) as [number];
  using taken = Deno.listen({ hostname: "127.0.0.1", port: next + 100 });
  const ports = [next, ...(await Promise.all([1, 2, 3].map(inAnotherProcess))).flat(), ...freePorts(20)];
  assertEquals(ports.length, 1 + 3 * 60 + 20);
  assertEquals(new Set(ports).size, ports.length);
  assert(!ports.includes(taken.addr.port));
  assert(ports.every((port) => Number.isInteger(port) && port >= 20_000 && port < 32_000), ports.join());
});
