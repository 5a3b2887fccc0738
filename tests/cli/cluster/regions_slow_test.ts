import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { CommandError } from "../../../cli/admin_api.ts";
import { readAdminPorts, readPorts } from "../../../cli/cluster/processes.ts";
import { DitClient } from "../../../client/mod.ts";
import { startMembers } from "../../support/processes/processes_command.ts";
import { freePorts } from "../../support/processes/free_ports.ts";

Deno.test("readPorts() takes ports, as many as are wanted, and nothing else", () => {
  assertEquals(readPorts("8001,8002", 2), [8001, 8002]);
  assertEquals(readPorts("9001"), [9001]);
  for (const given of ["", "8001,", "0,1", "65536,1", "1.5,1", "x,1", "8001"]) {
    assertThrows(() => readPorts(given, 2), CommandError, "Give --ports 2 numbers", given);
  }
});

Deno.test("readAdminPorts() gives each process a port for operators, and refuses one that is taken already", () => {
  assertEquals(readAdminPorts([8001, 8002], undefined), [
    { port: 8001, adminPort: undefined },
    { port: 8002, adminPort: undefined },
  ]);
  assertEquals(readAdminPorts([8001, 8002], "9000").map(({ adminPort }) => adminPort), [9000, 9001]);
  assertEquals(readAdminPorts([8001, 8002], "0").map(({ adminPort }) => adminPort), [0, 0]);
  for (const variable of ["8000", "8002", "65535", "x", "-1", "1.5"]) {
    assertThrows(() => readAdminPorts([8001, 8002], variable), CommandError, "DIT_ADMIN_PORT", variable);
  }
});

Deno.test("cli/cluster/regions.ts runs two regions, of which one sends the other's logs home, and ends on SIGINT", async () => {
  const folder = await Deno.makeTempDir();
  const ports = freePorts(2);
  const [eu, us] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
  const regions = startMembers({ task: "dev:regions", script: "cli/cluster/regions.ts", folder, ports });
  const countClaims = async (url: string) =>
    (await (await fetch(`${url}/dev/store`)).json())["claimed uses"] ?? 0;
  try {
    await regions.prints("Ctrl-C ends both");
    const client = new DitClient({
      endpoint: eu,
      app: "demo",
      session: async () => {
        const body = JSON.stringify({ client: "alice" });
        return (await (await fetch(`${eu}/dev/session`, { method: "POST", body })).json()).jwt;
      },
      fetch: (url, init) => fetch(url.endsWith("/logs") ? url.replace(eu, us) : url, init),
    });
    const sent: unknown[] = [];
    client.on("sent", (event) => sent.push(event));
    client.log("client_start", { platform: "linux", runtime: "2.9" });
    await client.flush();
    await client.close();
    assertEquals(sent, [{ events: 1, replayed: false }]);
    assertEquals([await countClaims(eu), await countClaims(us)], [1, 0]);
    for (const url of [eu, us]) {
      const directory = await (await fetch(`${url}/v1/apps/demo/keys`)).json();
      const names = directory["token-keys"].map((key: { region: string }) => key.region);
      assertEquals(new Set(names), new Set(["eu", "us"]));
    }
  } finally {
    const code = await regions.interrupt();
    assertEquals(code, 0, regions.printed());
    for (const name of ["eu", "us"]) assertStringIncludes(regions.printed(), `[${name}]`);
    for (const url of [eu, us]) await assertRejects(() => fetch(url), TypeError);
    await Deno.remove(folder, { recursive: true });
  }
});
