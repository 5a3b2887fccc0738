/** By its own timers alone a client is at work again within an hour of the service's being honest. */
import { assert, assertEquals } from "@std/assert";
import { DitClient } from "../../client/mod.ts";
import { startService } from "../support/client/client_service.ts";
import { VirtualTime } from "../support/client/virtual_time.ts";

const MINUTE = 60_000;
const STEP = 30_000;
/** Draws of each lie: its end comes at another moment of the client's timers. */
const RUNS = 3;

/** Answers that ask for the longest wait, by step, or say that there is nothing here. */
const LIES = [
  ["tokens", 429, "overloaded"],
  ["tokens", 503, "store_unavailable"],
  ["logs", 429, "overloaded"],
  ["logs", 401, "mac_invalid"],
  ["schema", 429, "overloaded"],
  ["keys", 503, "store_unavailable"],
  ["logs", 404, "app_unknown"],
] as const;

for (const [step, status, code] of LIES) {
  Deno.test(`after an hour and a half of ${code} for ${step} a client delivers by its own timers within the hour`, async () => {
    for (let run = 0; run < RUNS; run++) {
      const test = await startService();
      using time = new VirtualTime(test.clock.now);
      let isLying = true;
      let working = 0;
      /** The service takes no time by the client's clock. */
      const atOnce = async <T>(work: Promise<T>): Promise<T> => {
        working++;
        return await work.finally(() => working--);
      };
      const answer = () =>
        new Response(JSON.stringify({ status, code }), {
          status,
          headers: { "content-type": "application/problem+json", "retry-after": "86400" },
        });
      const client = new DitClient({
        endpoint: "https://telemetry.example",
        app: "notes",
        session: () => atOnce(test.signIn("alice")),
        fetch: (url, init) =>
          isLying && url.endsWith(`/${step}`) ? Promise.resolve(answer()) : atOnce(test.fetch(url, init)),
        now: () => time.now,
      });
      let sent = 0;
      client.on("sent", ({ events }) => sent += events);
      const pass = async () => {
        await time.pass(STEP, () => working > 0);
        test.clock.now = time.now;
      };
      client.log("app_opened", {});
      for (let passed = run * 7 * MINUTE; passed < 90 * MINUTE; passed += STEP) await pass();
      assertEquals(sent, 0);
      isLying = false;
      client.log("app_opened", {});
      const honestSince = time.now;
      while (sent === 0 && time.now - honestSince < 120 * MINUTE) await pass();
      const minutes = (time.now - honestSince) / MINUTE;
      assert(sent > 0 && minutes <= 60, `delivered after ${minutes} minutes`);
      const closing = client.close();
      for (let turn = 0; turn < 5; turn++) await time.pass(1000);
      await closing;
      await test.close();
    }
  });
}
