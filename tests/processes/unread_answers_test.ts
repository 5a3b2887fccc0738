/** Answers that nobody reads, many over few connections of HTTP/2, hold no memory to speak of. */
import { assertEquals, assertLess } from "@std/assert";
import http2 from "node:http2";
import { Folders, startReady } from "../support/processes/service_process.ts";
import type { RunningService } from "../support/processes/running_service.ts";

const CONNECTIONS = 4;
const STREAMS = 100;
const PATH = "/openapi";

/** Resident memory of a process in MiB. Deno itself reads nothing below /proc unless it may do everything. */
async function residentMiB({ child }: RunningService): Promise<number> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${child.pid}/status`] }).output();
  return Number(/VmRSS:\s+([0-9]+) kB/.exec(new TextDecoder().decode(stdout))?.[1]) / 1_024;
}

Deno.test({
  name: "hundreds of answers that nobody reads do not grow the service's memory",
  // Resident memory is read from /proc.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folders = new Folders();
    await using service = await startReady({ folder: await folders.make() });
    const bytes = (await (await service.send(PATH)).arrayBuffer()).byteLength;
    const before = await residentMiB(service);
    const sessions: http2.ClientHttp2Session[] = [];
    const answered: Promise<unknown>[] = [];
    for (let index = 0; index < CONNECTIONS; index++) {
      // A window of nothing: the service may send headers, and not a byte of a body.
      const session = http2.connect(service.url, { settings: { initialWindowSize: 0 } });
      session.on("error", () => {});
      sessions.push(session);
      for (let stream = 0; stream < STREAMS; stream++) {
        const request = session.request({ ":path": PATH });
        request.on("error", () => {});
        const { promise, resolve } = Promise.withResolvers<number>();
        request.on("response", (headers) => resolve(Number(headers[":status"])));
        answered.push(promise);
      }
    }
    assertEquals(new Set(await Promise.all(answered)), new Set([200]));
    const grown = await residentMiB(service) - before;
    const unreadMiB = CONNECTIONS * STREAMS * bytes / 2 ** 20;
    assertLess(grown, unreadMiB / 3, `${grown.toFixed(0)} MiB of ${unreadMiB.toFixed(0)} unread`);
    sessions.forEach((session) => session.destroy());
    assertEquals((await service.end("SIGTERM")).code, 0);
  },
});
