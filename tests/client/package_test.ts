import { assertEquals } from "@std/assert";
import { startService } from "../support/client_service.ts";

const ROOT = new URL("../../", import.meta.url);

async function run(command: string, args: string[], cwd: string | URL): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${text(stdout)}${text(stderr)}`);
  return text(stdout);
}

let missing: string | undefined;
for (const command of ["node", "npm"]) {
  try {
    await run(command, ["--version"], ROOT);
  } catch {
    missing = command;
  }
}

/** What a newcomer would write, in plain JavaScript. */
const SCRIPT = `
import { createClient } from "@dit/service";
import { FileStorage } from "@dit/service/storage_file";
const endpoint = process.argv[2];
const client = createClient({
  endpoint,
  app: "notes",
  session: async () => (await fetch(endpoint + "/session")).text(),
  storage: new FileStorage("client.json"),
});
const told = [];
for (const name of ["sent", "issued", "refused", "dropped"]) client.on(name, (event) => told.push([name, event]));
client.log("note_saved", { ok: true, platform: "web", latency_ms: 42 });
await client.flush();
await client.close();
console.log(JSON.stringify(told));
`;

Deno.test({
  name: missing === undefined
    ? "the packed package runs in a fresh Node project, and keeps its tokens in a file"
    : `the packed package in Node: not run, since there is no ${missing} on the PATH`,
  ignore: missing !== undefined,
  async fn() {
    const test = await startService();
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
      if (request.url.endsWith("/session")) return new Response(await test.signIn("node"));
      const body = request.body === null ? {} : { body: new Uint8Array(await request.arrayBuffer()) };
      return await test.fetch(request.url, { method: request.method, headers: request.headers, ...body });
    });
    const project = await Deno.makeTempDir();
    try {
      await run(Deno.execPath(), ["pack", "--allow-dirty", "--output", `${project}/client.tgz`], ROOT);
      await Deno.writeTextFile(`${project}/package.json`, '{"private":true,"type":"module"}');
      await run("npm", ["install", "--no-audit", "--no-fund", "--silent", "./client.tgz"], project);
      await Deno.writeTextFile(`${project}/app.js`, SCRIPT);
      const endpoint = `http://127.0.0.1:${server.addr.port}`;
      const sent = ["sent", { events: 1, replayed: false }];
      const first = JSON.parse(await run("node", ["app.js", endpoint], project));
      assertEquals(first, [["issued", { tokens: 1 }], sent]);
      const second = JSON.parse(await run("node", ["app.js", endpoint], project));
      assertEquals(second, [sent]);
      const records = await test.records();
      assertEquals(records.flatMap(({ events }) => events.map(({ fields }) => fields.latency_ms)), [1, 1]);
    } finally {
      await Deno.remove(project, { recursive: true });
      await server.shutdown();
      await test.close();
    }
  },
});
