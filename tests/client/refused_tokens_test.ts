/** Tokens that are refused, by the service or by whoever answers in its place: the quota has few others. */
import { assert, assertEquals } from "@std/assert";
import { startService } from "../support/client/client_service.ts";
import { droppedBy, makeClient } from "../support/client/client_under_test.ts";
import { present } from "../support/base/present.ts";

const HOUR = 3_600_000;

function problem(status: number, code: string): Response {
  return new Response(JSON.stringify({ code }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

/** Each refusal that has a log move, and how many of them cost an event. */
const REFUSALS = [
  [401, "key_unknown", 2],
  [401, "key_expired", 2],
  [401, "mac_invalid", 2],
  [401, "pseudonym_mismatch", 2],
  [403, "use_out_of_range", 2],
  [409, "use_taken", 6],
] as const;

for (const [status, code, most] of REFUSALS) {
  for (const application of [{}, { pseudonymSeconds: false }, { tokensPerClient: 1 }] as const) {
    const where = Object.keys(application).join();
    Deno.test(`${most} times ${code}, and then the truth: all that is logged from then on arrives within the hour ${where}`, async () => {
      const test = await startService(application);
      let lies = 0;
      const { client, heard } = makeClient(test, {
        fetch: (url, init) =>
          url.endsWith("/logs") && lies-- > 0
            ? Promise.resolve(problem(status, code))
            : test.fetch(url, init),
      });
      client.log("app_opened", {});
      await client.flush();
      // Twice, so that what the first time has laid aside is used and laid aside again.
      for (let round = 0; round < 2; round++) {
        lies = most;
        client.log("app_opened", {});
        await client.flush();
        lies = 0;
        client.log("app_opened", {});
        await client.flush();
        test.clock.now += HOUR;
        await client.flush();
      }
      const { bound, waiting } = present(await client.inspect());
      assertEquals([bound, waiting], [[], []]);
      const { [code]: dropped = 0, ...others } = droppedBy(heard);
      assertEquals(others, {});
      assert(dropped <= 2, `${dropped} events are dropped`);
      assertEquals((await test.records()).flatMap(({ events }) => events).length, 5 - dropped);
      await client.close();
      await test.close();
    });
  }
}

for (const code of ["batch_invalid", "key_not_issuing"]) {
  Deno.test(`a token request that is granted and answered with ${code} is kept: the quota has few others`, async () => {
    const test = await startService();
    let lies = 9;
    const { client, heard } = makeClient(test, {
      async fetch(url, init) {
        const response = await test.fetch(url, init);
        return url.endsWith("/tokens") && lies-- > 0 ? problem(422, code) : response;
      },
    });
    client.log("app_opened", {});
    for (let flush = 0; flush < 4; flush++) await client.flush();
    assertEquals(heard.sent, []);
    lies = 0;
    test.clock.now += HOUR;
    await client.flush();
    assertEquals([heard.sent.length, heard.dropped], [1, []]);
    await client.close();
    await test.close();
  });
}

Deno.test("a service that stores a log and refuses it every time has it signed three times at most, and for three uses each", async () => {
  for (const [status, code, most] of REFUSALS) {
    const test = await startService({ tokensPerClient: 1 });
    let sends = 0;
    const { client, heard } = makeClient(test, {
      async fetch(url, init) {
        if (!url.endsWith("/logs")) return await test.fetch(url, init);
        sends++;
        await (await test.fetch(url, init)).body?.cancel();
        return problem(status, code);
      },
    });
    client.log("app_opened", {});
    for (let hour = 0; hour < 12; hour++) {
      await client.flush();
      test.clock.now += HOUR;
    }
    assert(sends <= most * 1.5, `${code}: ${sends} requests`);
    assert((await test.records()).length <= sends);
    assertEquals(droppedBy(heard), { [code]: 1 });
    await client.close();
    await test.close();
  }
});

/** What a lie after a lost answer can double, by what it says: another copy of that log, or none. */
const AFTER_LOST = [
  [409, "use_taken", 2],
  [401, "mac_invalid", 2],
  [401, "pseudonym_mismatch", 2],
  [401, "key_unknown", 1],
  [410, "collection_stopped", 1],
  [503, "store_unavailable", 1],
] as const;

Deno.test("a log that was stored, whose answer is lost and which is refused then, is stored twice at most, and no other is", async () => {
  for (const [status, code, copies] of AFTER_LOST) {
    const test = await startService();
    let sends = 0;
    const { client, heard } = makeClient(test, {
      async fetch(url, init) {
        if (!url.endsWith("/logs")) return await test.fetch(url, init);
        if (++sends === 2) return problem(status, code);
        const answer = await test.fetch(url, init);
        if (sends > 1) return answer;
        await answer.body?.cancel();
        throw new TypeError("the connection was reset");
      },
    });
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 12 });
    await client.flush();
    client.log("app_opened", {});
    for (let hour = 0; hour < 3; hour++) {
      await client.flush();
      test.clock.now += HOUR;
    }
    const records = await test.records();
    const names = records.flatMap(({ events }) => events.map(({ name }) => name)).sort();
    assertEquals(names, ["app_opened", ...Array(copies).fill("note_saved")], code);
    assertEquals(new Set(records.map(({ pseudonym }) => pseudonym)).size, 1);
    // What was stored and is refused with another code counts as unknown, and is not sent again.
    assertEquals(
      droppedBy(heard),
      status === 401 && copies === 1 || status === 410 ? { unknown: 1 } : {},
      code,
    );
    await client.close();
    await test.close();
  }
});
