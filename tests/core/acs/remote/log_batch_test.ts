/** Batches on a log server, whose ACS is elsewhere and claims the use of each log. */
import { assertEquals } from "@std/assert";
import { utf8 } from "../../../../core/base/bytes.ts";
import { logsRoutes } from "../../../../routes/client/logs.ts";
import { batchLogs, logBody, logsPath, signLog } from "../../../support/client/protocol_client.ts";
import { countClaims, makeToken, startSplit } from "../../../support/service/split.ts";
import { testApplication } from "../../../support/service/service.ts";

Deno.test("a log server takes a batch log by log, and completes what the ACS claimed before it was stored", async () => {
  await using split = await startSplit({ events: testApplication.events });
  const app = logsRoutes({ service: split.logs });
  const token = await makeToken(split.acs);
  const logs = [0, 1, 2].map((use) => signLog(token, { use }));
  const forged = { ...signLog(token, { use: 3 }), body: logBody(token) };
  const malformed = signLog(token, { use: 4, body: utf8("{") });
  const outcomesOf = async () => {
    const answer = await app.request(logsPath(), batchLogs([...logs, forged, malformed]));
    const { outcomes } = await answer.json();
    return outcomes.map(({ code, replayed }: { code?: string; replayed?: boolean }) => code ?? replayed);
  };
  // The second log's answer is lost on its way from the ACS: its use is spent, its record is not here.
  let asked = 0;
  split.network = async (request, reach) => {
    const isSecond = request.url.endsWith("/redeem") && asked++ === 1;
    const response = await reach(request);
    if (!isSecond) return response;
    await response.body?.cancel();
    throw new TypeError("the connection broke");
  };
  assertEquals(await outcomesOf(), [false, "store_unavailable", false, "mac_invalid", "body_malformed"]);
  assertEquals([await countClaims(split.acs), await countClaims(split.logs)], [3, 2]);
  assertEquals(await outcomesOf(), [true, false, true, "mac_invalid", "body_malformed"]);
  assertEquals(await outcomesOf(), [true, true, true, "mac_invalid", "body_malformed"]);
  assertEquals([await countClaims(split.acs), await countClaims(split.logs)], [3, 3]);
});
