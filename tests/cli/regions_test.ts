import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readPorts } from "../../cli/members.ts";
import { runFlags } from "../../cli/service_process.ts";
import { DitClient } from "../../client/mod.ts";
import configuration from "../../deno.json" with { type: "json" };

Deno.test("readPorts() takes ports, as many as are wanted, and nothing else", () => {
  assertEquals(readPorts([], "8001,8002"), [8001, 8002]);
  assertEquals(readPorts(["--ports=9001,9002"], "8001,8002"), [9001, 9002]);
  assertEquals(readPorts(["--ports=9001"], "8001,8002", true), [9001]);
  const wrong = ["", "8001,", "0,1", "65536,1", "1.5,1", "x,1", "8001"].map((ports) => `--ports=${ports}`);
  for (const given of [...wrong, "--port=1,2", "8001"]) {
    assertEquals(readPorts([given], "8001,8002"), undefined, given);
  }
});

function freePorts(): [number, number] {
  using first = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using second = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return [first.addr.port, second.addr.port];
}

Deno.test("cli/regions.ts runs two regions, of which one sends the other's logs home, and ends on SIGINT", async () => {
  const folder = await Deno.makeTempDir();
  const ports = freePorts();
  const [eu, us] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
  const regions = new Deno.Command("deno", {
    args: [
      "run",
      ...runFlags(configuration.tasks["dev:regions"].command, "cli/regions.ts"),
      import.meta.resolve("../../cli/regions.ts"),
      `--ports=${ports}`,
    ],
    cwd: folder,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let printed = "";
  const reading = (async () => {
    for await (const text of regions.stdout.pipeThrough(new TextDecoderStream())) printed += text;
  })();
  const countClaims = async (url: string) =>
    (await (await fetch(`${url}/dev/store`)).json())["claimed uses"] ?? 0;
  try {
    for (let attempt = 0; !printed.includes("Ctrl-C ends both"); attempt++) {
      assert(attempt < 600, printed);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
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
    regions.kill("SIGINT");
    const { code } = await regions.status;
    await reading;
    assertEquals(code, 0, printed);
    for (const name of ["eu", "us"]) assertStringIncludes(printed, `[${name}]`);
    for (const url of [eu, us]) await assertRejects(() => fetch(url), TypeError);
    await Deno.remove(folder, { recursive: true });
  }
});
