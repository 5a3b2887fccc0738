/** Real clients of an application whose logs cannot be linked by anything that they carry. */
import { assert, assertEquals } from "@std/assert";
import type { Fetch } from "../../client/mod.ts";
import { logBatches } from "../../client/log_batches.ts";
import { parseCredential } from "../../core/token/credential.ts";
import { type ClientChanges, makeClient } from "../support/client/client_under_test.ts";
import { startService, type TestService } from "../support/client/client_service.ts";

/** A client that logs an event at a time, and what a service sees of it. */
function watch(test: TestService, subject: string, changes: ClientChanges = {}) {
  const seen = {
    nonces: [] as string[],
    uses: [] as number[],
    bodies: [] as string[],
    asked: [] as number[],
  };
  const fetch: Fetch = (url, init) => {
    const body = init.body as Uint8Array | undefined;
    if (url.endsWith("/tokens")) seen.asked.push(body!.length);
    if (url.endsWith("/logs")) {
      // One log a request: a batch has no such header.
      const { nonce, use } = parseCredential(new Headers(init.headers).get("authorization") ?? "");
      seen.nonces.push(nonce.toHex());
      seen.uses.push(use);
      seen.bodies.push(new TextDecoder().decode(body));
    }
    return test.fetch(url, init);
  };
  const made = makeClient(test, {
    fetch,
    logBatches,
    gzip: false,
    session: () => test.signIn(subject),
    ...changes,
  });
  return { ...made, seen };
}

Deno.test("clients of an unlinkable application spend a token a log, and show no pseudonym", async () => {
  const test = await startService({ unlinkable: true });
  const { client, heard, seen } = watch(test, "alice");
  for (let log = 0; log < 12; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  await client.close();
  assertEquals([heard.sent.length, heard.dropped, heard.refused], [12, [], []]);
  assertEquals(new Set(seen.nonces).size, 12);
  assertEquals(new Set(seen.uses), new Set([0]));
  for (const body of seen.bodies) {
    assertEquals(Object.keys(JSON.parse(body)).filter((name) => name !== "pad").sort(), ["events", "salt"]);
  }
  const records = await test.records();
  assertEquals(records.length, 12);
  for (const record of records) assertEquals(record.pseudonym, undefined);
  await test.close();
});

Deno.test("clients of an unlinkable application put what they hold into requests of one log each", async () => {
  const test = await startService({ unlinkable: true });
  const { client, heard, seen } = watch(test, "alice");
  for (let event = 0; event < 350; event++) client.log("app_opened", {});
  await client.flush();
  await client.close();
  assertEquals([heard.sent.reduce((sum, { events }) => sum + events, 0), heard.dropped], [350, []]);
  assert(seen.nonces.length >= 4);
  assertEquals(new Set(seen.nonces).size, seen.nonces.length);
  await test.close();
});

Deno.test("clients of an unlinkable application ask for batches of one size, however much they log", async () => {
  const test = await startService({ unlinkable: true });
  const sizes: number[][] = [];
  for (const [subject, logs] of [["alice", 1], ["bob", 40]] as const) {
    const { client, heard, seen } = watch(test, subject);
    for (let log = 0; log < logs; log++) {
      client.log("app_opened", {});
      await client.flush();
    }
    await client.close();
    assertEquals([heard.sent.length, heard.issued], [logs, [{ tokens: 128 }]]);
    sizes.push(seen.asked);
  }
  const [alice, bob] = sizes;
  assertEquals(alice?.length, 1);
  assertEquals(bob, alice);
  await test.close();
});

Deno.test("a client that has used its batch asks for another whole one, and for one token where no batch is left", async () => {
  const test = await startService({ unlinkable: true, maxBatch: 4, tokensPerClient: 8 });
  const other = watch(test, "alice");
  const { client, heard, seen } = watch(test, "alice");
  other.client.log("app_opened", {});
  await other.client.flush();
  for (let log = 0; log < 6; log++) {
    client.log("app_opened", {});
    await client.flush();
  }
  // The account's eight are given away: four of them to the other device.
  assertEquals(heard.issued, [{ tokens: 4 }]);
  assertEquals(heard.sent.length, 4);
  const [batch, again, one] = seen.asked;
  assertEquals(again, batch);
  assertEquals(one, batch! - 3 * 32 - 1);
  await Promise.all([client.close(), other.client.close()]);
  await test.close();
});
