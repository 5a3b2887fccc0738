/**
 * A service of a test on a socket, through the function that main.ts serves with.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type TestService, type TestServiceOptions, withService } from "./service.ts";

/** Runs a test with a service and the port that it listens on. It fails when the runtime met an error of a handler. */
export async function withSocket(
  run: (test: TestService, port: number) => Promise<void>,
  options: TestServiceOptions = {},
): Promise<void> {
  await withService(options, async (test) => {
    const uncaught: unknown[] = [];
    const server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      onListen: () => {},
      onError: (error) => {
        uncaught.push(error);
        return new Response(null, { status: 500 });
      },
    }, (request, { remoteAddr }) => test.handle(request, remoteAddr.hostname));
    try {
      await run(test, server.addr.port);
      assertEquals(uncaught, []);
    } finally {
      await server.shutdown();
    }
  });
}
