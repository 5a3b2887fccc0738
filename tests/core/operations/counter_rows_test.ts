import { assertEquals, assertRejects } from "@std/assert";
import { Counters, sumOf } from "../../../core/operations/counters.ts";
import { COUNTER_RETENTION_DAYS, CounterRows, sweepCounters } from "../../../core/operations/counter_rows.ts";
import { COUNTERS } from "../../../core/operations/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { Store } from "../../../core/store/store.ts";
import { until, withEndpoint } from "../../support/store/with_kv_endpoint.ts";

const HOUR = 500_000;

function processOn(store: Store, clock: { now: number }, name: string) {
  const now = () => clock.now;
  const counters = new Counters(now);
  return { counters, rows: new CounterRows(store, counters, name, now) };
}

async function issuedIn(rows: CounterRows, from = HOUR, to = HOUR + 10): Promise<Record<number, number>> {
  const hours = await rows.read(from, to);
  return Object.fromEntries([...hours].map(([hour, apps]) => [hour, sumOf(apps.get("demo"), "tokens")]));
}

async function withStore(body: (store: Store) => Promise<void>): Promise<void> {
  const store = storeOver(await Deno.openKv(":memory:"));
  try {
    await body(store);
  } finally {
    store.close();
  }
}

Deno.test("CounterRows adds the hours of all processes up, its own up to the moment", async () => {
  await withStore(async (store) => {
    const clock = { now: HOUR * 3_600 };
    const [one, two] = [processOn(store, clock, "one"), processOn(store, clock, "two")];
    one.counters.issued("demo", 3);
    one.counters.issued("other", 100);
    two.counters.issued("demo", 4);
    assertEquals(await issuedIn(one.rows), { [HOUR]: 3 });
    await one.rows.flush();
    await two.rows.flush();
    one.counters.issued("demo", 10);
    assertEquals(await issuedIn(one.rows), { [HOUR]: 17 });
    assertEquals(await issuedIn(two.rows), { [HOUR]: 7 });
    clock.now += 3_600;
    two.counters.issued("demo", 1);
    await one.rows.flush();
    await two.rows.flush();
    assertEquals(await issuedIn(one.rows), { [HOUR]: 17, [HOUR + 1]: 1 });
    assertEquals(await issuedIn(one.rows, HOUR + 1), { [HOUR + 1]: 1 });
    assertEquals(await issuedIn(one.rows, HOUR, HOUR), { [HOUR]: 17 });
  });
});

Deno.test("CounterRows forgets a closed hour once it is written, and still reads it", async () => {
  await withStore(async (store) => {
    const clock = { now: HOUR * 3_600 };
    const { counters, rows } = processOn(store, clock, "one");
    counters.issued("demo", 3);
    clock.now += 3_600;
    await rows.flush();
    await rows.flush();
    assertEquals(counters.hours().size, 0);
    assertEquals(await issuedIn(rows), { [HOUR]: 3 });
  });
});

Deno.test("CounterRows writes nothing when nothing was counted", async () => {
  await withStore(async (store) => {
    const { counters, rows } = processOn(store, { now: HOUR * 3_600 }, "one");
    counters.issued("demo", 3);
    await rows.flush();
    const before = await store.get(COUNTERS.key(HOUR, "demo", "one"));
    await rows.flush();
    assertEquals((await store.get(COUNTERS.key(HOUR, "demo", "one"))).stamp, before.stamp);
  });
});

Deno.test("CounterRows writes many applications, more than one commit's worth", async () => {
  await withStore(async (store) => {
    const { counters, rows } = processOn(store, { now: HOUR * 3_600 }, "one");
    for (let app = 0; app < 70; app++) counters.issued(`app-${app}`, app + 1);
    await rows.flush();
    const hours = await processOn(store, { now: 0 }, "two").rows.read(HOUR, HOUR);
    assertEquals(hours.get(HOUR)!.size, 70);
    assertEquals(sumOf(hours.get(HOUR)!.get("app-69"), "tokens"), 70);
  });
});

Deno.test("CounterRows loses and doubles nothing when writes land unheard, twice, late or never", async () => {
  await withEndpoint(async (endpoint, open) => {
    const store = storeOver(await open(), { deadlineMs: 250 });
    const watcher = storeOver(await open());
    const clock = { now: HOUR * 3_600 };
    const { counters, rows } = processOn(store, clock, "one");
    const flush = () => rows.flush().catch(() => {});
    let issued = 0;
    const count = () => (counters.issued("demo", ++issued), issued);
    let expected = count();
    await flush();
    for (
      const fault of [
        "unavailableAfterWrite",
        "replayWrite",
        "truncateAnswer",
        "cutAfterWrite",
        "cut",
      ] as const
    ) {
      endpoint.faults[fault] = 1;
      expected += count();
      await flush();
      endpoint.faults[fault] = 0;
      expected += count();
      await until(async () => {
        await flush();
        return (await issuedIn(processOn(watcher, clock, "watcher").rows))[HOUR] === expected;
      });
    }
    // A write that is given up on lands after a newer one was tried: it must not undo it.
    endpoint.faults.hang = true;
    expected += count();
    await assertRejects(() => rows.flush());
    expected += count();
    const late = flush();
    endpoint.faults.hang = false;
    await late;
    await until(async () => {
      await flush();
      return (await issuedIn(processOn(watcher, clock, "watcher").rows))[HOUR] === expected;
    });
    assertEquals(await issuedIn(processOn(watcher, clock, "watcher").rows), { [HOUR]: expected });
  });
});

Deno.test("sweepCounters() removes the hours that are over and no others", async () => {
  await withStore(async (store) => {
    const clock = { now: HOUR * 3_600 };
    const { counters, rows } = processOn(store, clock, "one");
    for (let hour = 0; hour < 3; hour++) {
      for (const app of ["a", "b", "demo"]) counters.issued(app, 1);
      clock.now += 3_600;
    }
    await rows.flush();
    let commits = 0;
    const pace = { rowsPerCommit: 2, pause: () => Promise.resolve(void commits++) };
    const firstGone = (HOUR + 1 + COUNTER_RETENTION_DAYS * 24) * 3_600;
    assertEquals(await sweepCounters(store, firstGone - 3_600, pace), 0);
    assertEquals(await sweepCounters(store, firstGone, pace), 3);
    assertEquals(commits, 2);
    assertEquals(await issuedIn(processOn(store, clock, "two").rows), { [HOUR + 1]: 1, [HOUR + 2]: 1 });
    assertEquals(await sweepCounters(store, firstGone + 7_200, pace), 6);
  });
});
