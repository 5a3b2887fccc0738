/** What a client hears while the store throws, hangs or lies, and that nothing is counted or stored twice for it. */
import { assertEquals, assertRejects } from "@std/assert";
import { GAUGES, readGauges } from "../../../core/operations/gauges.ts";
import { probeStore } from "../../../core/operations/probe.ts";
import { StoreUnavailable } from "../../../core/store/breaker.ts";
import { assertRefused } from "../../support/http/assert_answers.ts";
import { type CommitFault, type FaultyKv, faultyKv } from "../../support/store/faulty_kv.ts";
import {
  batchRequest,
  blindBatch,
  fetchIssuingKey,
  logsPath,
  oneToken,
  signLog,
  tokensPath,
} from "../../support/client/protocol_client.ts";
import {
  countClaims,
  snapshot,
  startService,
  type TestService,
  type TestServiceOptions,
  withService,
} from "../../support/service/service.ts";

/** Long enough for a call that is answered on a machine that does much else. */
const DEADLINE_MS = 800;
/** Where nothing hangs, no deadline has a part in a test. */
const deadlineFor = (fault: string): TestServiceOptions => ({
  store: { deadlineMs: fault.includes("hang") ? DEADLINE_MS : 20_000 },
});

/** A store that a test can break, and the database behind it. */
interface BreakableStore {
  /** What happens to the next commits, and to all when no number is given. */
  fail(fault: CommitFault, commits?: number): void;
  /** Whether reads hang or throw. */
  breakReads(fault: "hang" | "throw"): void;
  /** Everything works again, and what hangs goes on. */
  heal(): Promise<void>;
  readonly faulty: FaultyKv;
  readonly real: Deno.Kv;
}

function breakable(real: Deno.Kv): BreakableStore {
  const faulty = faultyKv(real);
  return {
    faulty,
    real,
    fail(fault, commits = Infinity) {
      let left = commits;
      faulty.fault = () => left-- > 0 ? fault : "none";
    },
    breakReads(fault) {
      if (fault === "hang") faulty.readsHang = true;
      else faulty.readsThrow = true;
    },
    async heal() {
      faulty.fault = () => "none";
      faulty.readsHang = faulty.readsThrow = false;
      await faulty.settle();
    },
  };
}

async function withFaults(
  run: (test: TestService, store: BreakableStore) => Promise<void>,
  options: TestServiceOptions = {},
): Promise<void> {
  const store = breakable(await Deno.openKv(":memory:"));
  await withService({ kv: store.faulty.kv, store: { deadlineMs: DEADLINE_MS }, ...options }, async (test) => {
    try {
      await run(test, store);
    } finally {
      await store.heal();
    }
  });
}

async function assertStored(test: TestService, store: BreakableStore, count: number): Promise<void> {
  await test.service.committer.drain();
  assertEquals([(await test.records()).length, await countClaims(store.real)], [count, count]);
}

/** Sends a log; gives whether the answer was a replay. */
async function assertAccepted(test: TestService, log: RequestInit): Promise<boolean> {
  const response = await test.send(logsPath(), log);
  assertEquals([response.status, await response.json()], [200, { accepted: 1, rejected: [] }]);
  return response.headers.get("dit-replayed") === "?1";
}

for (const fault of ["throw", "hang"] as const) {
  Deno.test(`POST logs answers 503 store_unavailable while commits ${fault}, and the same bytes land later`, async () => {
    await withFaults(async (test, store) => {
      const token = await oneToken(test);
      const log = signLog(token);
      const before = await snapshot(store.real);
      store.fail(fault);
      const problem = await assertRefused(await test.send(logsPath(), log), 503, "store_unavailable");
      assertEquals(JSON.stringify(problem).includes("throws"), false);
      assertEquals(await snapshot(store.real), before);
      await store.heal();
      // What hung has landed by now; what threw has not.
      assertEquals(await assertAccepted(test, log), fault === "hang");
      await assertStored(test, store, 1);
    }, deadlineFor(fault));
  });

  Deno.test(`POST tokens answers 503 store_unavailable while commits ${fault}, and gives tokens once`, async () => {
    await withFaults(async (test, store) => {
      const batch = blindBatch(await fetchIssuingKey(test.send, test.clock.seconds), 4);
      const request = batchRequest(await test.signIn("alice"), batch.request);
      const before = await snapshot(store.real);
      store.fail(fault);
      await assertRefused(await test.send(tokensPath(), request), 503, "store_unavailable");
      assertEquals(await snapshot(store.real), before);
      await store.heal();
      const response = await test.send(tokensPath(), request);
      assertEquals(response.status, 200);
      assertEquals(batch.finish(new Uint8Array(await response.arrayBuffer())).length, 4);
    }, deadlineFor(fault));
  });

  Deno.test(`GET /readyz and the gauge know that commits ${fault}, and polling writes nothing`, async () => {
    await withFaults(async (test, store) => {
      const token = await oneToken(test);
      const told = async () => {
        const { status } = await test.send("/readyz");
        const up = readGauges(test.service).find(({ name }) => name === GAUGES.storeUp.name)?.samples[0]
          ?.value;
        return [status, up];
      };
      assertEquals(await told(), [200, 1]);
      const before = await snapshot(store.real);
      store.fail(fault);
      await assertRefused(await test.send(logsPath(), signLog(token)), 503, "store_unavailable");
      const { commits } = store.faulty.counts;
      for (let polls = 0; polls < 20; polls++) assertEquals(await told(), [503, 0]);
      assertEquals(store.faulty.counts.commits, commits);
      await assertRejects(() => probeStore(test.service.store), StoreUnavailable);
      assertEquals(await told(), [503, 0]);
      await store.heal();
      await probeStore(test.service.store);
      assertEquals(await told(), [200, 1]);
      // What hung has landed by now: the log and its claim. The probes have left nothing.
      assertEquals((await snapshot(store.real)).length, before.length + (fault === "hang" ? 2 : 0));
    }, deadlineFor(fault));
  });

  Deno.test(`Every route that needs the store answers 503 while reads ${fault}, and /healthz does not`, async () => {
    await withFaults(async (test, store) => {
      const token = await oneToken(test);
      const key = await fetchIssuingKey(test.send, test.clock.seconds);
      const request = batchRequest(await test.signIn("bob"), blindBatch(key, 1).request);
      const before = await snapshot(store.real);
      store.breakReads(fault);
      for (const [path, init] of [[tokensPath(), request], ["/readyz", {}]] as const) {
        await assertRefused(await test.send(path, init), 503, "store_unavailable");
      }
      const healthy = await test.send("/healthz");
      assertEquals([healthy.status, (await healthy.json()).status], [200, "ok"]);
      // Keys that were read are good for a while: a log needs no read at all.
      assertEquals(await assertAccepted(test, signLog(token)), false);
      assertEquals((await test.send("/v1/apps/notes/keys")).status, 200);
      // In the next epoch but three there is no key in memory that issues.
      test.clock.seconds += 5 * 86_400;
      await assertRefused(await test.send("/v1/apps/notes/keys"), 503, "store_unavailable");
      await assertRefused(await test.send(logsPath(), signLog(token, { use: 1 })), 503, "store_unavailable");
      assertEquals((await snapshot(store.real)).length, before.length + 2);
    }, deadlineFor(fault));
  });
}

for (const fault of ["land and throw", "land and hang"] as const satisfies CommitFault[]) {
  Deno.test(`POST logs keeps one record when a commit lands and its answer is lost (${fault})`, async () => {
    await withFaults(async (test, store) => {
      const token = await oneToken(test);
      const log = signLog(token);
      store.fail(fault, 1);
      if (fault === "land and throw") {
        // The service looks for itself: its own tag is there, so the log had landed.
        assertEquals(await assertAccepted(test, log), true);
      } else {
        await assertRefused(await test.send(logsPath(), log), 503, "store_unavailable");
        assertEquals(await assertAccepted(test, log), true);
      }
      await assertStored(test, store, 1);
      await assertRefused(await test.send(logsPath(), signLog(token)), 409, "use_taken");
    }, deadlineFor(fault));
  });

  Deno.test(`POST tokens takes the quota once when a commit lands and its answer is lost (${fault})`, async () => {
    await withFaults(async (test, store) => {
      const batch = blindBatch(await fetchIssuingKey(test.send, test.clock.seconds), 4);
      const request = batchRequest(await test.signIn("alice"), batch.request);
      store.fail(fault, 1);
      await assertRefused(await test.send(tokensPath(), request), 503, "store_unavailable");
      const response = await test.send(tokensPath(), request);
      assertEquals(response.status, 200);
      assertEquals(batch.finish(new Uint8Array(await response.arrayBuffer())).length, 4);
      const rows = await Array.fromAsync(store.real.list<{ granted: number }>({ prefix: ["q"] }));
      assertEquals(rows.map(({ value }) => value.granted), [4]);
    }, deadlineFor(fault));
  });
}

for (const fault of ["land and say no", "say no"] as const satisfies CommitFault[]) {
  Deno.test(`A commit that was sent twice, or failed for no reason, counts once (${fault})`, async () => {
    await withFaults(async (test, store) => {
      const key = await fetchIssuingKey(test.send, test.clock.seconds);
      const batch = blindBatch(key, 4);
      store.fail(fault, 1);
      const response = await test.send(tokensPath(), batchRequest(await test.signIn("alice"), batch.request));
      assertEquals(response.status, 200);
      const [token] = batch.finish(new Uint8Array(await response.arrayBuffer()));
      const rows = await Array.fromAsync(store.real.list<{ granted: number }>({ prefix: ["q"] }));
      assertEquals(rows.map(({ value }) => value.granted), [4]);
      store.fail(fault, 1);
      assertEquals(await assertAccepted(test, signLog(token!)), fault === "land and say no");
      await assertStored(test, store, 1);
    }, deadlineFor(fault));
  });
}

Deno.test("POST logs counts a use once when a commit that was given up lands after its retry", async () => {
  await withFaults(async (test, store) => {
    const token = await oneToken(test);
    const log = signLog(token);
    store.fail("hang", 1);
    await assertRefused(await test.send(logsPath(), log), 503, "store_unavailable");
    assertEquals(await assertAccepted(test, log), false);
    store.faulty.release();
    await assertStored(test, store, 1);
    assertEquals(await assertAccepted(test, log), true);
  });
});

Deno.test("POST logs says 409 only of a use that is known to be taken, never after an answer that was lost", async () => {
  await withFaults(async (test, store) => {
    const token = await oneToken(test);
    const first = signLog(token);
    store.fail("hang");
    await assertRefused(await test.send(logsPath(), first), 503, "store_unavailable");
    // Nothing is known of the use: another log may try it, and must not be told that it is taken.
    const second = signLog(token);
    await assertRefused(await test.send(logsPath(), second), 503, "store_unavailable");
    // Now both land, one after the other: one of them has it, the store says which, and both hear the same.
    await store.heal();
    await test.service.committer.drain();
    const outcomes = await Promise.all(
      [first, second].map(async (log) => (await test.send(logsPath(), log)).status),
    );
    assertEquals(outcomes.sort(), [200, 409]);
    await assertStored(test, store, 1);
  });
});

Deno.test("POST logs answers all who ask for one use alike when its commit hangs", async () => {
  await withFaults(async (test, store) => {
    const token = await oneToken(test);
    const log = signLog(token);
    store.fail("hang", 1);
    const answers = await Promise.all(Array.from({ length: 5 }, () => test.send(logsPath(), log)));
    for (const answer of answers) await assertRefused(answer, 503, "store_unavailable");
    await store.heal();
    await assertAccepted(test, log);
    await assertStored(test, store, 1);
  });
});

Deno.test("POST logs answers 429 overloaded with Retry-After when too many wait, before any other work", async () => {
  await withFaults(async (test, store) => {
    const token = await oneToken(test);
    store.fail("hang", 1);
    const waiting = [0, 1, 2].map((use) => test.send(logsPath(), signLog(token, { use })));
    while (test.service.committer.waiting < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    const tried = store.faulty.counts.commits;
    await assertRefused(await test.send(logsPath(), signLog(token, { use: 3 })), 429, "overloaded");
    // Not even the MAC of a stranger is looked at.
    const strange = signLog({ ...token, nonce: crypto.getRandomValues(new Uint8Array(32)) });
    await assertRefused(await test.send(logsPath(), strange), 429, "overloaded");
    assertEquals(store.faulty.counts.commits, tried);
    await store.heal();
    for (const answer of await Promise.all(waiting)) {
      assertEquals(answer.status, 200);
      await answer.body?.cancel();
    }
    assertEquals(await assertAccepted(test, signLog(token, { use: 3 })), false);
    await assertStored(test, store, 4);
  }, { committer: { maxWaiting: 3 }, store: { deadlineMs: 20_000 } });
});

Deno.test("POST logs answers 429 overloaded when too many bytes wait, those of repeated requests included", async () => {
  await withFaults(async (test, store) => {
    const token = await oneToken(test);
    store.fail("hang", 1);
    const log = signLog(token);
    const { send } = test;
    const waiting = [send(logsPath(), log), send(logsPath(), log)];
    while (test.service.committer.waiting < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    await assertRefused(await send(logsPath(), log), 429, "overloaded");
    await store.heal();
    for (const answer of await Promise.all(waiting)) assertEquals(answer.status, 200);
    await assertStored(test, store, 1);
  }, { committer: { maxWaitingBytes: 1_000 }, store: { deadlineMs: 20_000 } });
});

Deno.test("POST logs stops asking a store that does not answer, and starts again when it does", async () => {
  await withFaults(async (test, store) => {
    const token = await oneToken(test);
    store.faulty.counts.commits = 0;
    store.fail("hang");
    const hanging: Promise<Response>[] = [];
    for (let use = 0; use < 8; use++) {
      hanging.push(test.send(logsPath(), signLog(token, { use })));
      // Those that arrive together share a commit.
      while (store.faulty.counts.commits === use) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const answer of await Promise.all(hanging)) await assertRefused(answer, 503, "store_unavailable");
    assertEquals(store.faulty.counts.commits, 8);
    for (let use = 8; use < 12; use++) {
      await assertRefused(await test.send(logsPath(), signLog(token, { use })), 503, "store_unavailable");
    }
    assertEquals(store.faulty.counts.commits, 8);
    await store.heal();
    while (test.service.store.writes.refuses) await new Promise((resolve) => setTimeout(resolve, 5));
    // One request is the trial; when it has gone through, so do all.
    await assertAccepted(test, signLog(token, { use: 8 }));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, use) => test.send(logsPath(), signLog(token, { use: use + 20 }))),
    );
    assertEquals(answers.map(({ status }) => status), Array(10).fill(200));
    // What hung has landed by now, and its retry is a replay.
    assertEquals((await test.records()).length, 19);
  }, { committer: { maxInFlight: 8 } });
});

Deno.test("An error that nobody expected is 500 internal and says nothing of itself", async () => {
  let broken = false;
  const random = (length: number) => {
    if (broken) throw new Error("canary: no entropy");
    return crypto.getRandomValues(new Uint8Array(length));
  };
  const test = await startService({ random });
  const key = await fetchIssuingKey(test.send, test.clock.seconds);
  const batch = blindBatch(key, 1);
  const request = batchRequest(await test.signIn("alice"), batch.request);
  broken = true;
  const problem = await assertRefused(await test.send(tokensPath(), request), 500, "internal");
  assertEquals(JSON.stringify(problem).includes("throws"), false);
  assertEquals(test.internalErrors.map((error) => (error as Error).message), ["canary: no entropy"]);
  // The quota was committed before the evaluation failed; the same bytes still get their tokens.
  broken = false;
  const response = await test.send(tokensPath(), request);
  assertEquals(batch.finish(new Uint8Array(await response.arrayBuffer())).length, 1);
  await test.close();
});
