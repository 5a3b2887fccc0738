import { assert, assertEquals } from "@std/assert";
import { startService } from "../../support/client/client_service.ts";
import { makeClient } from "../../support/client/client_under_test.ts";
import { type Death, sharedPlace } from "../../support/client/journaled_storage.ts";

/** Lets everything go on that does not wait for a timer. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

for (const at of ["before", "after"] as const) {
  Deno.test(`what a page logs that dies ${at} its transaction comes into the queue once, from whoever starts next`, async () => {
    const test = await startService();
    const place = sharedPlace();
    const death: { at: Death } = { at: undefined };
    const first = makeClient(test, { storage: place.open(death) });
    await first.client.inspect();
    death.at = at;
    for (let event = 0; event < 10; event++) first.client.log("app_opened", {});
    // It is written before log() returns.
    assertEquals(Object.keys(place.texts).length, 10);
    await settle();
    // Two start at once, and each of them looks.
    const next = [makeClient(test, { storage: place.open() }), makeClient(test, { storage: place.open() })];
    for (const { client } of next) await client.flush();
    assertEquals((await test.records()).flatMap(({ events }) => events).length, 10);
    assertEquals(Object.keys(place.texts), []);
    for (const { client } of next) await client.close();
    await test.close();
  });
}

Deno.test("a page that is frozen with what it logged, and was given up, does not store it a second time", async () => {
  const test = await startService();
  const place = sharedPlace();
  let thaw = () => {};
  const frozen = new Promise<void>((resolve) => thaw = resolve);
  const storage = place.open();
  let isFrozen = false;
  const first = makeClient(test, {
    storage: {
      journal: storage.journal,
      async transaction(body) {
        if (isFrozen) await frozen;
        return await storage.transaction(body);
      },
      close: () => storage.close(),
    },
  });
  await first.client.inspect();
  isFrozen = true;
  first.client.log("app_opened", {});
  await settle();
  // Others start meanwhile: at once, and long after what was noted about its journal is forgotten.
  for (let start = 0; start < 3; start++) {
    const { client } = makeClient(test, { storage: place.open() });
    await client.flush();
    await client.close();
    test.clock.now += 5_400_000;
  }
  assertEquals((await place.dump()).find(([key]) => key === "journals")?.[1], "{}");
  isFrozen = false;
  thaw();
  first.client.log("app_opened", {});
  await first.client.flush();
  assertEquals((await test.records()).flatMap(({ events }) => events).length, 2);
  await first.client.close();
  await test.close();
});

Deno.test("a storage that fails leaves what is in the journal there, for the next time", async () => {
  const test = await startService();
  const place = sharedPlace();
  const storage = place.open();
  let isBroken = true;
  const { client, heard } = makeClient(test, {
    storage: {
      journal: storage.journal,
      transaction: (body) => isBroken ? Promise.reject(new Error("full")) : storage.transaction(body),
      close: () => storage.close(),
    },
  });
  client.log("app_opened", {});
  await client.flush();
  assertEquals([heard.dropped, Object.keys(place.texts).length], [[], 1]);
  isBroken = false;
  await client.flush();
  assertEquals([heard.sent, Object.keys(place.texts)], [[{ events: 1, replayed: false }], []]);
  await client.close();
  await test.close();
});

Deno.test("an opt-out deletes the journals of all tabs, and what is written into one after it", async () => {
  const test = await startService();
  const place = sharedPlace();
  const dead: { at: Death } = { at: undefined };
  const first = makeClient(test, { storage: place.open(dead) }).client;
  const second = makeClient(test, { storage: place.open() }).client;
  await first.inspect();
  await second.inspect();
  dead.at = "before";
  first.log("app_opened", {});
  assertEquals(Object.keys(place.texts).length, 1);
  await second.setOptOut(true);
  assertEquals([Object.keys(place.texts), await place.dump()], [[], [["opted-out", "1"]]]);
  // The other tab does not know yet, and what it logs is found by whoever starts next.
  first.log("app_opened", {});
  const third = makeClient(test, { storage: place.open() });
  await third.client.flush();
  assertEquals([Object.keys(place.texts), await place.dump()], [[], [["opted-out", "1"]]]);
  assertEquals(await test.records(), []);
  await second.close();
  await third.client.close();
  await test.close();
});

Deno.test("a journal is bounded, and passes over what is none of its texts", async () => {
  const test = await startService();
  const place = sharedPlace();
  const death: { at: Death } = { at: "before" };
  for (const item of ["nobody/1", "nobody/x", "nobody"]) {
    place.texts[`tabs/journal/${item}`] = '["app_opened"';
  }
  for (let start = 0; start < 4; start++) {
    const { client } = makeClient(test, { storage: place.open(death) });
    for (let event = 0; event < 500; event++) client.log("app_opened", {});
  }
  const length = Object.values(place.texts).reduce((sum, text) => sum + text.length, 0);
  assert(length > 50_000 && length <= 131_072, `${length}`);
  const { client } = makeClient(test, { storage: place.open() });
  await client.flush();
  assertEquals(Object.keys(place.texts), []);
  await client.close();
  await test.close();
});
