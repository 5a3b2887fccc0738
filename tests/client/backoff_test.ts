import { assert, assertEquals } from "@std/assert";
import { type Fetch, MemoryStorage } from "../../client/mod.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { makeClient } from "../support/client/client_under_test.ts";
import { VirtualTime } from "../support/client/virtual_time.ts";

const STEPS = ["schema", "keys", "tokens", "logs"] as const;

/** Answers the requests of one step with a refusal, and counts them. */
function refusing(test: TestService, step: string, status: number, headers: Record<string, string> = {}) {
  const seen = { count: 0, working: 0, isRefusing: true };
  const fetch: Fetch = async (url, init) => {
    seen.working++;
    try {
      if (!url.endsWith(`/${step}`) || !seen.isRefusing) return await test.fetch(url, init);
      seen.count++;
      return new Response('{"code":"overloaded"}', {
        status,
        headers: { "content-type": "application/problem+json", ...headers },
      });
    } finally {
      seen.working--;
    }
  };
  return { seen, fetch };
}

for (const step of STEPS) {
  Deno.test(`a Retry-After of ${step} holds for every pass and every client, and only as long as it says`, async () => {
    const test = await startService();
    const storage = new MemoryStorage();
    const { seen, fetch } = refusing(test, step, 429, { "retry-after": "600" });
    let sent = 0;
    for (let start = 0; start < 5; start++) {
      const { client } = makeClient(test, { storage, fetch });
      client.on("sent", ({ events }) => sent += events);
      for (let second = 0; second < 8; second++) {
        client.log("app_opened", {});
        await client.flush();
        test.clock.now += 1_000;
      }
      await client.close();
    }
    assertEquals(seen.count, 1);
    seen.isRefusing = false;
    // The client's own jitter comes on top.
    test.clock.now += 605_000;
    const { client } = makeClient(test, { storage, fetch });
    client.on("sent", ({ events }) => sent += events);
    await client.flush();
    assertEquals(sent, 40);
    await client.close();
    await test.close();
  });

  Deno.test(`a backoff of ${step} grows, however much the app logs and whatever else goes well`, async () => {
    const test = await startService();
    const { seen, fetch } = refusing(test, step, 503);
    using time = new VirtualTime(test.clock.now);
    const { client } = makeClient(test, { fetch, now: () => test.clock.now = time.now, delaySeconds: 1 });
    for (let second = 0; second < 600; second++) {
      client.log("app_opened", {});
      await time.pass(1_000, () => seen.working > 0);
    }
    // Ceilings of 2, 4, ... 512 s with full jitter: four logs of a queue, or one document.
    assert(seen.count >= 3 && seen.count < 60, `${seen.count} requests in ten minutes`);
    await client.close();
    await test.close();
  });
}
