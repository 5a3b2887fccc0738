import { assert, assertEquals } from "@std/assert";
import { DitClient } from "../../client/mod.ts";
import type { EventsOf } from "../../core/config/mod.ts";
import { startService, type testConfig, type TestService } from "../support/client/client_service.ts";
import { NEVER_SECONDS } from "../support/client/client_under_test.ts";

type Events = EventsOf<typeof testConfig, "notes">;

const MINUTE = 60_000;
/** 2027-01-16 00:00 UTC, when the epoch turns. */
const TURN = Date.UTC(2027, 0, 16);

interface Heard {
  sent: number;
  issued: number;
  readonly refused: string[];
  readonly dropped: string[];
}

function makeClient(test: TestService, subject: string, now: () => number) {
  const client = new DitClient<Events>({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => test.signIn(subject),
    fetch: test.fetch,
    now,
    delaySeconds: NEVER_SECONDS,
  });
  const heard: Heard = { sent: 0, issued: 0, refused: [], dropped: [] };
  client.on("sent", ({ events }) => heard.sent += events);
  client.on("issued", ({ tokens }) => heard.issued += tokens);
  client.on("refused", ({ code }) => heard.refused.push(code));
  client.on("dropped", ({ reason }) => heard.dropped.push(reason));
  return { client, heard };
}

for (const [name, drift] of [["behind", -10 * MINUTE], ["right", 0], ["ahead", 10 * MINUTE]] as const) {
  Deno.test(`a client whose clock is ${name} gets tokens across the turn of an epoch without a refusal`, async () => {
    const test = await startService({ usesPerToken: 2, tokensPerClient: 64 });
    // A new client every minute, which fetches the directory and logs three times: more than one token has uses.
    test.clock.now = TURN - 15 * MINUTE;
    for (let minute = -15; minute <= 15; minute++) {
      const { client, heard } = makeClient(test, `client ${minute}`, () => test.clock.now + drift);
      for (const at of [minute, minute + 0.5, minute + 1]) {
        test.clock.now = TURN + at * MINUTE;
        client.log("app_opened", {});
        await client.flush();
      }
      assertEquals([heard.sent, heard.refused, heard.dropped], [3, [], []], `at ${minute} min`);
      assert(heard.issued >= 2);
      await client.close();
    }
    await test.close();
  });
}

for (const jump of [-10 * MINUTE, 10 * MINUTE]) {
  Deno.test(`a clock that is set by ${jump / MINUTE} minutes beside the turn costs a refusal at most, and no log`, async () => {
    const test = await startService({ usesPerToken: 1, tokensPerClient: 64 });
    for (let minute = -12; minute <= 12; minute += 2) {
      let drift = 0;
      test.clock.now = TURN + (minute - 1) * MINUTE;
      const { client, heard } = makeClient(test, `client ${minute}`, () => test.clock.now + drift);
      client.log("app_opened", {});
      await client.flush();
      drift = jump;
      test.clock.now = TURN + minute * MINUTE;
      client.log("app_opened", {});
      await client.flush();
      assertEquals([heard.sent, heard.dropped], [2, []], `at ${minute} min`);
      assert(heard.refused.length <= 1 && heard.refused.every((code) => code === "key_not_issuing"));
      await client.close();
    }
    await test.close();
  });
}
