/** Operators have a listener of their own: nothing of them on the clients' port, nothing of clients on theirs. */
import { assert, assertEquals } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { failToStart } from "../support/processes/running_service.ts";
import { Folders, runTask, startReady } from "../support/processes/service_process.ts";

const OPERATORS = ["/admin/v1/keys", "/admin/nothing", "/admin", "/metrics", "/console", "/console/sign-in"];
const CLIENTS = [
  "/v1/apps/demo/keys",
  "/v1/apps/demo/schema",
  "/dev/store",
  "/acs/v1/apps/demo/redeem",
  "/nothing",
];
const EITHER = ["/healthz", "/readyz", "/openapi.json"];

Deno.test("DIT_ADMIN_PORT has what is the operator's, and the other port has nothing of it", async () => {
  await using folders = new Folders();
  const folder = await folders.make();
  const adminPort = freePort();
  const env = { DIT_ADMIN_PORT: `${adminPort}`, DIT_THROTTLE: "20" };
  const service = await startReady({ folder, env });
  const [listening] = service.events("listening");
  assertEquals([listening?.port, listening?.operators], [service.port, {
    hostname: "127.0.0.1",
    port: adminPort,
  }]);
  const token = (await Deno.readTextFile(`${folder}/.dit/admin_token`)).trim();
  const operators = `http://127.0.0.1:${adminPort}`;
  const answers = async (base: string, path: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(base + path, { headers, redirect: "manual" });
    const text = await response.text();
    return text.includes('"code":"route_unknown"') ? "route_unknown" : "answered";
  };
  for (const path of CLIENTS) assertEquals(await answers(operators, path), "route_unknown", path);
  for (const path of OPERATORS) {
    assertEquals(await answers(service.url, path), "route_unknown", path);
    if (!["/admin/nothing", "/admin"].includes(path)) {
      assertEquals(await answers(operators, path), "answered", path);
    }
  }
  for (const path of EITHER) {
    for (const base of [service.url, operators]) assertEquals(await answers(base, path), "answered", path);
  }
  assertEquals(await answers(service.url, "/v1/apps/demo/keys"), "answered");
  // Commands find it as the service does.
  const list = await runTask("keys", "cli/keys.ts", ["list"], folder, env);
  assertEquals(list.code, 0, list.stderr);
  assert(list.stdout.includes("demo"), list.stdout);
  // Clients that fill their own listener keep no operator out.
  let status = 200;
  for (let index = 0; index < 1_000 && status === 200; index++) {
    const response = await fetch(`${service.url}/healthz`);
    await response.body?.cancel();
    status = response.status;
  }
  assertEquals(status, 429);
  assertEquals(await answers(operators, "/metrics"), "answered");
  assertEquals((await service.end("SIGTERM")).code, 0, service.lines.join("\n"));
});

Deno.test("a taken DIT_ADMIN_PORT stops the start with a sentence", async () => {
  await using folders = new Folders();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const folder = await folders.make();
  const start = (env: Record<string, string>) =>
    failToStart({ folder, env: { DIT_ENV: "development", ...env } });
  assertEquals(await start({ DIT_ADMIN_PORT: `${taken.addr.port}` }), {
    code: 1,
    sentences: ["The port is in use: stop what listens there, or set DIT_ADMIN_PORT."],
  });
});
