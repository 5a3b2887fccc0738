import { assert, assertEquals } from "@std/assert";
import { assertExactlyOnce, type Sent } from "../support/store/exactly_once.ts";
import {
  type Answer,
  fetchTokens,
  isUnknown,
  sendUntilKnown,
  signMarkedLog,
} from "../support/client/load_client.ts";
import { spawnService } from "../support/processes/spawned_service.ts";

const LONG = Deno.env.get("DIT_FAULTS") === "long";
const TOKENS = LONG ? 100 : 20;

Deno.test("clients that send everything three times do not multiply the records", async () => {
  const folder = await Deno.makeTempDir();
  const service = spawnService({ folder });
  await service.ready();
  const tokens = await fetchTokens(service.url, "retry", TOKENS);
  const sent: Sent = new Map();
  await Promise.all(tokens.map(async (token, index) => {
    for (let use = 0; use < 64; use++) {
      const log = signMarkedLog(token, use);
      const answers: Answer[] = [];
      let unknown = 0;
      // A service that stood still may have asked for the same bytes again.
      const send = () => sendUntilKnown(() => service.url, log, (answer) => isUnknown(answer) && unknown++);
      if (index % 2 === 0) {
        // All three at once.
        answers.push(...await Promise.all([1, 2, 3].map(send)));
      } else {
        for (let attempt = 0; attempt < 3; attempt++) answers.push(await send());
      }
      assertEquals(answers.map(({ status }) => status), [200, 200, 200]);
      const replays = answers.filter(({ replayed }) => replayed).length;
      assert(replays === 2 || (replays === 3 && unknown > 0), `${replays} replays, ${unknown} unknown`);
      sent.set(log, answers[0]);
    }
  }));
  assertEquals((await assertExactlyOnce(service, sent)).size, TOKENS * 64);
  assertEquals((await service.end("SIGTERM")).code, 0);
  await Deno.remove(folder, { recursive: true });
});
