import { assert, assertEquals } from "@std/assert";
import { DitClient } from "../../../client/mod.ts";
import { startService } from "../../support/client/client_service.ts";
import { present } from "../../support/base/present.ts";

Deno.test("a log never travels on a connection that fetched tokens", async () => {
  const service = await startService();
  const connections = new Map<string, Set<number>>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request, { remoteAddr }) => {
      const step = present(new URL(request.url).pathname.split("/").at(-1));
      connections.set(step, (connections.get(step) ?? new Set()).add(remoteAddr.port));
      const { method, headers } = request;
      const body = method === "POST" ? await request.bytes() : null;
      return await service.fetch(request.url, { method, headers, body });
    },
  );
  const client = new DitClient({
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    app: "notes",
    session: () => service.signIn("alice"),
    now: () => service.clock.now,
  });
  let sent = 0;
  client.on("sent", ({ events }) => sent += events);
  for (let round = 0; round < 3; round++) {
    client.log("app_opened", {});
    await client.flush();
  }
  await client.close();
  await server.shutdown();
  await service.close();
  assertEquals(sent, 3);
  const [tokens, logs] = [present(connections.get("tokens")), present(connections.get("logs"))];
  assert(logs.size > 0 && tokens.size > 0);
  assertEquals([...logs].filter((port) => tokens.has(port)), []);
});
