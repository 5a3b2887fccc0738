import { assert, assertEquals } from "@std/assert";
import { freePort } from "../support/processes/free_ports.ts";
import { startReady } from "../support/processes/service_process.ts";

Deno.test("a service ends when it is told to, though its collector takes everything and answers nothing", async () => {
  const folder = await Deno.makeTempDir();
  const connections: Deno.Conn[] = [];
  try {
    using collector = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const taking = (async () => {
      for await (const connection of collector) connections.push(connection);
    })().catch(() => {});
    await using service = await startReady({
      folder,
      port: freePort(),
      env: {
        OTEL_DENO: "true",
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
      },
    });
    // As a supervisor does. With Deno's own limit, 10 s for each of two exports, this would be the end of it.
    const patience = setTimeout(() => service.end("SIGKILL"), 15_000);
    assertEquals((await service.end("SIGTERM")).code, 0);
    clearTimeout(patience);
    assert(connections.length > 0, "nothing was exported");
    collector.close();
    await taking;
  } finally {
    for (const connection of connections) connection.close();
    await Deno.remove(folder, { recursive: true });
  }
});
