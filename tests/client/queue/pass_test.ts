import { assertEquals } from "@std/assert";
import { assemble } from "../../../client/parts.ts";
import { present } from "../../support/base/present.ts";
import { startService } from "../../support/client/client_service.ts";
import { seededRandom } from "../../core/voprf/suites.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The parts of a client whose pseudonym lasts a day, and what it sends. */
async function startParts() {
  const test = await startService({ pseudonymSeconds: 86_400 });
  const network = { isDown: false };
  const sent: string[] = [];
  const { commit, passes, queue, storage } = assemble({
    endpoint: "https://telemetry.example",
    app: "notes",
    session: () => test.signIn("alice"),
    now: () => test.clock.now,
    random: seededRandom("a pass"),
    gzip: false,
    async fetch(url, init) {
      if (!url.endsWith("/logs")) return await test.fetch(url, init);
      sent.push(present(JSON.parse(new TextDecoder().decode(init.body as Uint8Array)).pseudonym));
      if (network.isDown) throw new TypeError("the network is down");
      return await test.fetch(url, init);
    },
  }, {
    report: () => {},
    consent: { isBarred: false, look: () => () => {}, signal: new AbortController().signal },
    isOpen: () => true,
    isHidden: () => false,
  });
  return {
    ...{ test, network, commit, passes },
    log: () =>
      queue.enqueue(() => undefined, () => [{
        name: "app_opened",
        at: test.clock.now / 1000,
        fields: {},
        encoded: false,
      }]),
    /** Under how many pseudonyms the logs of a pass went, and what comes next. */
    async run(trigger: "delay" | "flush" | "hidden") {
      sent.length = 0;
      const outcome = await passes.run(trigger);
      return { logs: sent.length, pseudonyms: new Set(sent).size, outcome };
    },
    async close() {
      await storage.close();
      await test.close();
    },
  };
}

Deno.test("a pass after a delay sends nothing under the pseudonym of now once it has sent what was bound under one before", async () => {
  const { test, network, log, run, close } = await startParts();
  network.isDown = true;
  await log();
  assertEquals(await run("flush"), { logs: 1, pseudonyms: 1, outcome: "later" });
  network.isDown = false;
  test.clock.now += DAY;
  await log();
  assertEquals(await run("delay"), { logs: 1, pseudonyms: 1, outcome: "again" });
  // The token is fetched, and no log follows it at once.
  assertEquals(await run("delay"), { logs: 0, pseudonyms: 0, outcome: "again" });
  assertEquals(await run("delay"), { logs: 1, pseudonyms: 1, outcome: "done" });
  await close();
});

Deno.test("a pass after a delay sends bound logs of one pseudonym, and leaves those of another for the next", async () => {
  const { test, network, log, run, close } = await startParts();
  network.isDown = true;
  for (let day = 0; day < 2; day++) {
    test.clock.now += DAY;
    await log();
    await run("flush");
  }
  network.isDown = false;
  // Less than an hour after it was first sent under a pseudonym that is over.
  test.clock.now += HOUR / 2;
  assertEquals(await run("delay"), { logs: 1, pseudonyms: 1, outcome: "again" });
  assertEquals(await run("delay"), { logs: 1, pseudonyms: 1, outcome: "done" });
  await close();
});

Deno.test("a log of a pseudonym that is over is tried for an hour, and then no more", async () => {
  const { test, network, log, run, close } = await startParts();
  network.isDown = true;
  await log();
  await run("flush");
  test.clock.now += DAY;
  assertEquals((await run("flush")).logs, 1);
  test.clock.now += HOUR / 2;
  assertEquals((await run("flush")).logs, 1);
  test.clock.now += HOUR / 2;
  assertEquals(await run("flush"), { logs: 0, pseudonyms: 0, outcome: "done" });
  await close();
});

Deno.test("logs of a pseudonym that are not taken do not hold up those of another", async () => {
  const { test, network, log, run, close } = await startParts();
  network.isDown = true;
  await log();
  await run("flush");
  test.clock.now += DAY;
  await log();
  assertEquals(await run("delay"), { logs: 1, pseudonyms: 1, outcome: "again" });
  network.isDown = false;
  // It waits for its backoff.
  assertEquals((await run("delay")).logs, 0);
  assertEquals(await run("delay"), { logs: 1, pseudonyms: 1, outcome: "later" });
  await close();
});

for (const trigger of ["flush", "hidden"] as const) {
  Deno.test(`a pass that must not wait (${trigger}) sends everything at once`, async () => {
    const { test, network, log, run, close } = await startParts();
    test.clock.now += HOUR;
    network.isDown = true;
    await log();
    await run("flush");
    network.isDown = false;
    test.clock.now += DAY;
    await log();
    const { logs, pseudonyms } = await run(trigger);
    // A page that ends fetches no token.
    assertEquals([logs, pseudonyms], trigger === "flush" ? [2, 2] : [1, 1]);
    await close();
  });
}
