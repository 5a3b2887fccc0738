/** A few addresses that send no bodies keep nobody out: over sockets, through the function that main.ts serves with. */
import { present } from "../support/base/present.ts";
import { assertEquals } from "@std/assert";
import { logsPath, oneToken, signLog, tokensOf } from "../support/client/protocol_client.ts";
import { OPERATED } from "../support/browser/console_browser.ts";
import { sendSlowly, type SlowSender } from "../support/http/slow_sender.ts";
import { testSettings } from "../support/service/assembled.ts";
import type { TestService } from "../support/service/service.ts";
import { withSocket } from "../support/service/socket.ts";

const PLACES = 240;
const ATTACKERS = 5;
const EACH = 60;

type Target = (test: TestService) => Promise<readonly [path: string, headers: Record<string, string>]>;

const TARGETS: [string, Target][] = [
  ["a log under a key that exists", async (test) => {
    const { headers } = signLog(await oneToken(test));
    return [logsPath(), headers];
  }],
  ["a batch with a session that is right", async (test) => {
    const authorization = `Bearer ${await test.signIn("mallory")}`;
    return ["/v1/apps/notes/tokens", {
      authorization,
      "content-type": "application/private-token-amortized-batch-request",
    }];
  }],
];

for (const [what, target] of TARGETS) {
  Deno.test(`twenty others are served while five addresses hold all they can with ${what}`, async () => {
    await withSocket(async (test, port) => {
      const tokens = await tokensOf(test, { subject: "bob", count: 4 });
      const [path, headers] = await target(test);
      const senders: SlowSender[] = [];
      for (let index = 0; index < ATTACKERS * EACH; index++) {
        const from = `203.${index % ATTACKERS}.113.7`;
        senders.push(await sendSlowly(port, path, { ...headers, "x-forwarded-for": from }));
      }
      // Who has been refused shows that everybody has been seen: the others hold a place.
      const { promise: isFull, resolve } = Promise.withResolvers<void>();
      let refused = 0;
      for (const { status } of senders) {
        void status.then((code) => {
          if (code === 429 && ++refused === ATTACKERS * EACH - PLACES) resolve();
        });
      }
      await isFull;
      const statuses = await Promise.all(Array.from({ length: 20 }, async (_, index) => {
        const { method, headers, body } = signLog(present(tokens[index % 4]), { use: index >> 2 });
        const response = await fetch(`http://127.0.0.1:${port}${logsPath()}`, {
          method: method ?? "POST",
          headers: { ...headers, "x-forwarded-for": `198.51.100.${index}` },
          body,
        });
        await response.body?.cancel();
        return response.status;
      }));
      senders.forEach(({ leave }) => leave());
      assertEquals(statuses, Array(20).fill(200));
    }, { ...OPERATED, settings: testSettings({ trustedHops: 1 }), admission: { maxConcurrent: PLACES } });
  });
}
