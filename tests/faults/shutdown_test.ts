import { assertEquals } from "@std/assert";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import { fetchTokens, sendLog, signMarkedLog } from "../support/client/load_client.ts";
import { freePort } from "../support/processes/free_ports.ts";
import { spawnService } from "../support/processes/spawned_service.ts";

const CLIENTS = 64;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} under load: what was taken is finished, flushed and answered within five seconds`, async () => {
    const folder = await Deno.makeTempDir();
    const port = freePort();
    const service = spawnService({ folder, port });
    await service.ready();
    const tokens = await fetchTokens(service.url, "shutdown", CLIENTS * 4);
    const sent: Sent = new Map();
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let index = 0; index < 4 * 64; index++) {
        const log = signMarkedLog(tokens[client * 4 + Math.floor(index / 64)]!, index % 64);
        sent.set(log, undefined);
        const answer = await sendLog(service.url, log);
        // Refused connections: it has stopped listening.
        if (answer.status === 0) return;
        sent.set(log, answer);
        assertEquals(answer.status, 200);
      }
      throw new Error("The service never stopped.");
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { code } = await service.end(signal);
    // Its own clock says so: after 4.5 s it would have ended with 1 (boot/shutdown.ts).
    assertEquals(code, 0, service.lines.join("\n"));
    await Promise.all(clients);

    const again = spawnService({ folder, port });
    await again.ready();
    await assertExactlyOnce(again, sent);
    await again.end("SIGTERM");
    await Deno.remove(folder, { recursive: true });
  });
}
