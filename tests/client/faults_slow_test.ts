import { assert, assertEquals } from "@std/assert";
import { type ClientStorage, type Entries, type Fetch, MemoryStorage } from "../../client/mod.ts";
import type { RandomSource } from "../../core/base/random.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { droppedBy, makeClient, overtaken } from "../support/client/client_under_test.ts";
import { type Fault, FAULTS, faultyNetwork } from "../support/client/faulty_network.ts";
import { seededRandom } from "../core/voprf/suites.ts";
import { present } from "../support/base/present.ts";

/** The numbers that were logged (`latency_ms` is their bucket) as they were stored, in order. */
async function stored(test: TestService): Promise<number[]> {
  const records = await test.records();
  return records.flatMap(({ events }) => events.map(({ fields }) => fields.retries as number)).toSorted((
    a,
    b,
  ) => a - b);
}

const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

function choose<T>(random: RandomSource, options: readonly T[]): T {
  return present(options[present(random(1)[0]) % options.length]);
}

for (let seed = 0; seed < 12; seed++) {
  Deno.test(`every log arrives exactly once through network ${seed}`, async () => {
    const test = await startService({ tokensPerClient: 64 });
    const random = seededRandom(`network ${seed}`);
    let faults = 60;
    const fetch = faultyNetwork(test.fetch, () => faults-- > 0 ? choose(random, FAULTS) : "none");
    const storage = new MemoryStorage();
    let { client, heard } = makeClient(test, { fetch, storage });
    const dropped = [heard.dropped];
    for (const number of NUMBERS) {
      client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: number });
      await client.flush();
      test.clock.now += 20 * 60_000;
      if (choose(random, [true, false, false])) {
        await client.close();
        ({ client, heard } = makeClient(test, { fetch, storage }));
        dropped.push(heard.dropped);
      }
    }
    faults = 0;
    for (let pass = 0; pass < 5; pass++) {
      await client.flush();
      test.clock.now += 60 * 60_000;
    }
    assertEquals(dropped.flat(), []);
    assertEquals(await stored(test), NUMBERS);
    assertEquals(present(await client.inspect()).bound, []);
    await client.close();
    await test.close();
  });
}

/** A process that dies at one point: from then on nothing of it comes to an end. */
function mortal(storage: ClientStorage, fetch: Fetch, diesAt: number) {
  let point = 0;
  const die = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  /** One more point at which it may die. */
  const pass = async () => {
    if (point++ === diesAt) die.resolve();
    if (point > diesAt) await never;
  };
  return {
    died: die.promise,
    isAlive: () => point <= diesAt,
    storage: {
      async transaction<T>(body: (entries: Entries) => T): Promise<T> {
        await pass();
        const result = await storage.transaction(body);
        await pass();
        return result;
      },
      close: () => Promise.resolve(),
    } satisfies ClientStorage,
    async fetch(url: string, init: RequestInit): Promise<Response> {
      await pass();
      const response = await fetch(url, init);
      await pass();
      return response;
    },
  };
}

Deno.test("a client that is killed at any step of its work loses nothing and doubles nothing", async () => {
  let point = 0;
  for (let isDead = true; isDead; point++) {
    const test = await startService();
    const disk = new MemoryStorage();
    const process = mortal(disk, test.fetch, point);
    const { client: victim } = makeClient(test, { storage: process.storage, fetch: process.fetch });
    victim.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 1 });
    // Twice, so that a death between two requests is among the points.
    const work = victim.flush().then(() => {
      victim.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 2 });
      return victim.flush();
    });
    await Promise.race([work, process.died]);
    isDead = !process.isAlive();
    // What is left of the dead process is its timer; this ends it, and waits for nothing.
    void victim.close();
    const { client, heard } = makeClient(test, { storage: disk });
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 9 });
    await client.flush();
    test.clock.now += 3_600_000;
    await client.flush();
    const numbers = await stored(test);
    // An event is lost only when the process died before it was stored, which is when log() had just returned.
    assertEquals(numbers, [...new Set(numbers)], `nothing twice, killed at ${point}`);
    assert(numbers.includes(9), `the new client works, killed at ${point}`);
    assertEquals(heard.dropped, [], `nothing dropped, killed at ${point}`);
    if (point > 3) assert(numbers.includes(1), `what was stored arrives, killed at ${point}`);
    const { sent, issued } = heard;
    assert(sent.length > 0 && issued.length <= 1, `killed at ${point}`);
    await client.close();
    await test.close();
  }
  assert(point > 40, `${point} points were tried`);
});

const ENDING: readonly Fault[] = ["answer_lost", "unavailable_after", "proxy_error", "answer_cut"];

for (const fault of ENDING) {
  Deno.test(`a log whose outcome is unknown (${fault}) when its key ends is counted as unknown, never sent twice`, async () => {
    const test = await startService();
    let next: Fault = "none";
    let logs = 0;
    const { client, heard } = makeClient(test, {
      fetch: faultyNetwork(test.fetch, (step) => {
        if (step === "logs") logs++;
        return step === "logs" ? next : "none";
      }),
    });
    client.log("app_opened", {});
    next = fault;
    await client.flush();
    assertEquals((await test.records()).length, 1);
    next = "none";
    test.clock.now += 3 * 86_400_000;
    await client.flush();
    assertEquals(droppedBy(heard), { unknown: 1 });
    // Nobody could verify it any more, so it is not even sent.
    assertEquals([(await test.records()).length, logs], [1, 1]);
    await client.close();
    await test.close();
  });
}

Deno.test("a log whose client died in its first send, and whose key ended since, is counted as unknown", async () => {
  const test = await startService();
  const disk = new MemoryStorage();
  const arrived = Promise.withResolvers<void>();
  const { client: victim } = makeClient(test, {
    storage: disk,
    async fetch(url, init) {
      const response = await test.fetch(url, init);
      if (!url.endsWith("/logs")) return response;
      await response.body?.cancel();
      arrived.resolve();
      // The process ends here.
      return await new Promise(() => {});
    },
  });
  victim.log("app_opened", {});
  void victim.flush();
  await arrived.promise;
  const storage = new MemoryStorage();
  await disk.transaction((entries) => {
    const all = entries.keys("").map((key) => [key, present(entries.get(key))] as const);
    return storage.transaction((copy) => all.forEach(([key, value]) => copy.set(key, value)));
  });
  // What is left of the dead process: nothing of it may come to an end in this test.
  await victim.setOptOut(true);
  test.clock.now += 3 * 86_400_000;
  const { client, heard } = makeClient(test, { storage });
  await client.flush();
  assertEquals([droppedBy(heard), heard.sent], [{ unknown: 1 }, []]);
  assertEquals((await test.records()).length, 1);
  await client.close();
  await test.close();
});

Deno.test("a log that surely did not arrive before its key ended goes out under another one", async () => {
  const test = await startService();
  let isBusy = true;
  const busy: Fetch = (url, init) =>
    isBusy && url.endsWith("/logs")
      ? Promise.resolve(
        new Response('{"code":"overloaded"}', {
          status: 429,
          headers: { "content-type": "application/problem+json" },
        }),
      )
      : test.fetch(url, init);
  const { client, heard } = makeClient(test, { fetch: busy });
  client.log("app_opened", {});
  await client.flush();
  isBusy = false;
  test.clock.now += 3 * 86_400_000;
  await client.flush();
  assertEquals([heard.sent.length, heard.dropped.length, heard.issued.length], [1, 0, 2]);
  await client.close();
  await test.close();
});

Deno.test("two clients that share a storage share its tokens, and double nothing", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const tabs = [makeClient(test, { storage }), makeClient(test, { storage })] as const;
  for (const number of NUMBERS) {
    const tab = present(tabs[number % 2]);
    tab.client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: number });
    await Promise.all(tabs.map(({ client }) => client.flush()));
  }
  assertEquals(await stored(test), NUMBERS);
  assertEquals(tabs.flatMap(({ heard }) => heard.issued), [{ tokens: 1 }]);
  for (const { client } of tabs) await client.close();
  await test.close();
});

Deno.test("a client that another one overtakes at any point of its work fetches no second token", async () => {
  let isOvertaken = true;
  let points = 0;
  for (; isOvertaken; points++) {
    const test = await startService();
    const storage = new MemoryStorage();
    const quick = makeClient(test, { storage });
    let passed = 0;
    isOvertaken = false;
    const overtake = async () => {
      if (passed++ !== points) return;
      isOvertaken = true;
      quick.client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 1 });
      await quick.client.flush();
    };
    const slow = makeClient(test, overtaken(storage, test.fetch, overtake));
    slow.client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 0 });
    await slow.client.flush();
    await slow.client.flush();
    const issued = [slow, quick].flatMap(({ heard }) => heard.issued);
    assertEquals(issued, [{ tokens: 1 }], `overtaken at ${points}`);
    assertEquals(await stored(test), isOvertaken ? [0, 1] : [0], `overtaken at ${points}`);
    for (const { client } of [slow, quick]) await client.close();
    await test.close();
  }
  // Four requests, and a transaction at least between any two of them.
  assert(points >= 8, `overtaken at ${points} points`);
});

Deno.test("an answer to bytes that another tab has replaced changes nothing", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const taken = () =>
    new Response('{"code":"use_taken"}', {
      status: 409,
      headers: { "content-type": "application/problem+json" },
    });
  const offline: Fetch = (url, init) =>
    url.endsWith("/logs") ? Promise.reject(new TypeError("offline")) : test.fetch(url, init);
  const before = makeClient(test, { storage, fetch: offline });
  before.client.log("app_opened", {});
  await before.client.flush();
  await before.client.close();
  // Both tabs send these bytes. One hears at once that the use is taken, moves to the next, and hears no more.
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const slow = makeClient(test, {
    storage,
    fetch(url, init) {
      if (!url.endsWith("/logs") || slow.heard.refused.length > 0) return test.fetch(url, init);
      asked.resolve();
      return answer.promise;
    },
  });
  const slowFlush = slow.client.flush();
  await asked.promise;
  let logs = 0;
  const quick = makeClient(test, {
    storage,
    async fetch(url, init) {
      if (!url.endsWith("/logs")) return await test.fetch(url, init);
      if (logs++ === 0) return taken();
      await (await test.fetch(url, init)).body?.cancel();
      throw new TypeError("the connection was reset");
    },
  });
  await quick.client.flush();
  assertEquals([logs, (await test.records()).length], [2, 1]);
  // The other hears it now, of bytes that are in the queue no more.
  answer.resolve(taken());
  await slowFlush;
  assertEquals((await test.records()).length, 1);
  await slow.client.flush();
  assertEquals(slow.heard.sent, [{ events: 1, replayed: true }]);
  assertEquals((await test.records()).length, 1);
  for (const { client } of [slow, quick]) await client.close();
  await test.close();
});

Deno.test("a storage that was copied with its tokens loses and doubles nothing", async () => {
  const test = await startService({ usesPerToken: 8, tokensPerClient: 3 });
  const copied = new MemoryStorage();
  const first = makeClient(test, { storage: copied });
  first.client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: 0 });
  await first.client.flush();
  const copy = new MemoryStorage();
  await copied.transaction(async (entries) => {
    const all = entries.keys("").map((key) => [key, present(entries.get(key))] as const);
    await copy.transaction((target) => all.forEach(([key, value]) => target.set(key, value)));
  });
  const second = makeClient(test, { storage: copy });
  for (const number of NUMBERS.slice(1)) {
    const { client } = number % 2 === 0 ? first : second;
    client.log("note_saved", { ok: true, platform: "web", latency_ms: 1, retries: number });
    await client.flush();
  }
  assertEquals(await stored(test), NUMBERS);
  assert([...first.heard.refused, ...second.heard.refused].some(({ code }) => code === "use_taken"));
  await first.client.close();
  await second.client.close();
  await test.close();
});

Deno.test("a copied token that is spent elsewhere costs three tries, not the log", async () => {
  const test = await startService();
  const storage = new MemoryStorage();
  const first = makeClient(test, { storage });
  first.client.log("app_opened", {});
  await first.client.flush();
  const copy = new MemoryStorage();
  await storage.transaction((entries) => {
    const all = entries.keys("").map((key) => [key, present(entries.get(key))] as const);
    return copy.transaction((target) => all.forEach(([key, value]) => target.set(key, value)));
  });
  for (let log = 0; log < 12; log++) {
    first.client.log("app_opened", {});
    await first.client.flush();
  }
  const second = makeClient(test, { storage: copy });
  second.client.log("app_opened", {});
  await second.client.flush();
  assertEquals(second.heard.refused, Array(3).fill({ step: "logs", code: "use_taken" }));
  assertEquals([second.heard.sent, second.heard.issued, second.heard.dropped], [
    [{ events: 1, replayed: false }],
    [{ tokens: 1 }],
    [],
  ]);
  for (const { client } of [first, second]) await client.close();
  await test.close();
});
