import { assertEquals } from "@std/assert";
import { assertExactlyOnce, type Sent } from "../support/exactly_once.ts";
import { type Answer, fetchTokens, sendLog, signLog } from "../support/load_client.ts";
import { spawnService } from "../support/spawned_service.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const TOKENS = LONG ? 100 : 20;

Deno.test("clients that send everything three times do not multiply the records", async () => {
  const folder = await Deno.makeTempDir();
  const service = spawnService({ folder });
  await service.ready;
  const tokens = await fetchTokens(service.url, "retry", TOKENS);
  const sent: Sent = new Map();
  await Promise.all(tokens.map(async (token, index) => {
    for (let use = 0; use < 64; use++) {
      const log = signLog(token, use);
      const answers: Answer[] = [];
      if (index % 2 === 0) {
        // All three at once.
        answers.push(...await Promise.all([1, 2, 3].map(() => sendLog(service.url, log))));
      } else {
        for (let attempt = 0; attempt < 3; attempt++) answers.push(await sendLog(service.url, log));
      }
      assertEquals(answers.map(({ status }) => status), [200, 200, 200]);
      assertEquals(answers.map(({ replayed }) => replayed).sort(), [false, true, true]);
      sent.set(log, answers[0]);
    }
  }));
  assertEquals((await assertExactlyOnce(service, sent)).size, TOKENS * 64);
  assertEquals((await service.end("SIGTERM")).code, 0);
  await Deno.remove(folder, { recursive: true });
});
