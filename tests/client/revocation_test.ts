import { assert, assertEquals } from "@std/assert";
import { DitClient } from "../../client/mod.ts";
import type { EventsOf } from "../../core/config/mod.ts";
import { revokeKeys } from "../../core/keys/replacement.ts";
import { startService, type testConfig } from "../support/client/client_service.ts";
import { NEVER_SECONDS } from "../support/client/client_under_test.ts";

type Events = EventsOf<typeof testConfig, "notes">;

Deno.test("clients recover by themselves from two revocations of an epoch's key, and wait after a third", async () => {
  const test = await startService();
  const { service, clock } = test;
  const heard = { sent: 0, refused: [] as string[], dropped: [] as string[], replaced: [] as number[] };
  const client = new DitClient<Events>({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => test.signIn("alice"),
    fetch: test.fetch,
    now: () => clock.now,
    delaySeconds: NEVER_SECONDS,
  });
  client.on("sent", ({ events }) => heard.sent += events);
  client.on("refused", ({ code }) => heard.refused.push(code));
  client.on("dropped", ({ reason }) => heard.dropped.push(reason));
  client.on("key_replaced", ({ generation }) => heard.replaced.push(generation));
  const log = async () => {
    client.log("app_opened", {});
    await client.flush();
    clock.now += 60_000;
  };
  const nowSeconds = () => Math.floor(clock.now / 1000);
  const epoch = Math.floor(nowSeconds() / 86_400);
  await log();
  assertEquals([heard.sent, heard.refused, heard.replaced], [1, [], []]);
  for (const generation of [0, 1]) {
    await revokeKeys(service.rotation, service.appOf("notes"), epoch, generation, nowSeconds());
    await log();
    await log();
    assertEquals([heard.sent, heard.dropped], [3 + 2 * generation, []]);
    // One refusal taught it, and the next log went out under the replacement.
    assertEquals(heard.refused.splice(0).filter((code) => !code.startsWith("key_")), []);
  }
  assertEquals(heard.replaced, [1, 2]);
  await revokeKeys(service.rotation, service.appOf("notes"), epoch, 2, nowSeconds());
  await log();
  await log();
  assertEquals([heard.sent, heard.dropped], [5, []]);
  clock.now = (epoch + 1) * 86_400_000;
  for (let attempt = 0; attempt < 5 && heard.sent < 7; attempt++) {
    clock.now += 3_600_000;
    await client.flush();
  }
  assertEquals([heard.sent, heard.dropped], [7, []]);
  assert((await test.records()).length >= 6);
  await client.close();
  await test.close();
});
