/**
 * A service of a test with a past, behind a real socket, for a browser to look at.
 *
 * @module
 */
import { ADMIN_TOKEN, OPERATED } from "./console_browser.ts";
import { liveThroughDays, WITH_HISTORY } from "./console_history.ts";
import { configOf, type TestService, withService } from "../service/service.ts";

/** A service that a browser reaches. */
export interface ServedConsole {
  readonly test: TestService;
  /** Where it is. */
  readonly url: string;
  /** The page on which to sign in; it has the admin token behind the #, as in development. */
  readonly link: string;
}

/** Runs a test with a service that has lived through `days` days. */
export async function withServedConsole(
  days: number,
  run: (served: ServedConsole) => Promise<void>,
): Promise<void> {
  const config = configOf({ notes: WITH_HISTORY });
  await withService({ ...OPERATED, config, admission: { requestsPerSecond: 10_000 } }, async (test) => {
    await test.service.risk.open();
    await liveThroughDays(test, days);
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => test.handle(request),
    );
    // Browsers keep cookies that are for HTTPS alone only where they trust the host: this machine.
    const url = `http://localhost:${server.addr.port}`;
    try {
      await run({ test, url, link: `${url}/console/sign-in#token=${encodeURIComponent(ADMIN_TOKEN)}` });
    } finally {
      test.stopping.abort();
      await server.shutdown();
    }
  });
}
