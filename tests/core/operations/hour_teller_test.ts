import { assertEquals, assertRejects } from "@std/assert";
import { CounterRows } from "../../../core/operations/counter_rows.ts";
import { Counters, sumOf } from "../../../core/operations/counters.ts";
import { COUNTERS } from "../../../core/operations/families.ts";
import {
  HourTeller,
  TELL_AFTER_SECONDS,
  TELL_FOR_OTHERS_AFTER_SECONDS,
} from "../../../core/operations/hour_teller.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import { DenoKvEngine } from "../../../core/store/deno_kv/engine.ts";
import { Store } from "../../../core/store/store.ts";
import { withEndpoint } from "../../support/store/with_kv_endpoint.ts";

const HOUR = 500_000;
const SCRAPE_SECONDS = 60;

/** One scraper as Prometheus is: it adds up what each series grew by, and takes a smaller value for a new start. */
class Scraper {
  readonly #last = new Map<string, number>();
  increase = 0;

  read(target: string, counters: Counters): void {
    for (const [app, counts] of counters.exported()) {
      for (const [series, value] of counts) {
        const name = `${target} ${app} ${series}`;
        const last = this.#last.get(name);
        this.#last.set(name, value);
        // The first value of a series is no growth: nobody knows since when it has been so high.
        if (last !== undefined && series === "tokens") this.increase += value < last ? value : value - last;
      }
    }
  }
}

/** A process: `target` is where it is scraped, `name` which one it is. */
function processOn(store: Store, clock: { now: number }, name: string, target = name) {
  const now = () => clock.now;
  const counters = new Counters(now);
  const rows = new CounterRows(store, counters, name, now);
  const teller = new HourTeller({ store, counters, process: name, now });
  return {
    counters,
    rows,
    teller,
    async scrape(scraper: Scraper) {
      await teller.tell();
      scraper.read(target, counters);
    },
  };
}

type Process = ReturnType<typeof processOn>;

async function withStore(shared: boolean, body: (store: Store) => Promise<void>): Promise<void> {
  const store = new Store(new DenoKvEngine(await Deno.openKv(":memory:"), { shared }));
  try {
    await body(store);
  } finally {
    store.close();
  }
}

/** Lets time pass while all are scraped as a scraper does. */
async function pass(
  clock: { now: number },
  seconds: number,
  scraper: Scraper,
  processes: readonly Process[],
): Promise<void> {
  for (let passed = 0; passed < seconds; passed += SCRAPE_SECONDS) {
    clock.now += SCRAPE_SECONDS;
    for (const process of processes) await process.scrape(scraper);
  }
}

Deno.test("an hour in which the process is restarted is told whole by the one after it", async () => {
  await withStore(false, async (store) => {
    const [clock, scraper] = [{ now: HOUR * 3_600 }, new Scraper()];
    const one = processOn(store, clock, "one", "host");
    await one.scrape(scraper);
    one.counters.issued("demo", 3);
    await pass(clock, 1_800, scraper, [one]);
    assertEquals(scraper.increase, 0, "nothing of an hour is told before it is over");
    await one.rows.flush();
    const two = processOn(store, clock, "two", "host");
    two.counters.issued("demo", 4);
    await pass(clock, 1_800, scraper, [two]);
    assertEquals(scraper.increase, 0);
    await pass(clock, TELL_AFTER_SECONDS + SCRAPE_SECONDS, scraper, [two]);
    assertEquals(scraper.increase, 7);
    await two.rows.flush();
    await pass(clock, 7_200, scraper, [two]);
    // Restarted again, with nothing that was not told.
    await pass(clock, 7_200, scraper, [processOn(store, clock, "three", "host")]);
    assertEquals(scraper.increase, 7);
  });
});

Deno.test("a process that is ended right at the full hour has told nothing, and its successor does", async () => {
  await withStore(false, async (store) => {
    const [clock, scraper] = [{ now: HOUR * 3_600 }, new Scraper()];
    const one = processOn(store, clock, "one", "host");
    one.counters.issued("demo", 3);
    await pass(clock, 3_600, scraper, [one]);
    await one.rows.flush();
    await pass(clock, 600, scraper, [processOn(store, clock, "two", "host")]);
    assertEquals(scraper.increase, 3);
  });
});

Deno.test("what nobody was there to tell is told after hours of standstill, and shown with 0 before", async () => {
  await withStore(false, async (store) => {
    const [clock, scraper] = [{ now: HOUR * 3_600 }, new Scraper()];
    const one = processOn(store, clock, "one");
    await one.scrape(scraper);
    one.counters.issued("demo", 3);
    await one.rows.flush();
    clock.now += 6 * 3_600;
    // Scraped under another name, so that its series come out of nothing.
    const two = processOn(store, clock, "two");
    await two.scrape(scraper);
    assertEquals(sumOf(two.counters.exported().get("demo"), "tokens"), 0);
    assertEquals([...two.counters.exported().get("demo")!.keys()], ["tokens"]);
    await pass(clock, TELL_AFTER_SECONDS, scraper, [two]);
    assertEquals(scraper.increase, 3);
  });
});

Deno.test("after kill -9 all is told but what was counted since the last flush", async () => {
  await withStore(false, async (store) => {
    const [clock, scraper] = [{ now: HOUR * 3_600 }, new Scraper()];
    const one = processOn(store, clock, "one", "host");
    one.counters.issued("demo", 3);
    await one.rows.flush();
    one.counters.issued("demo", 100);
    await pass(clock, 7_200, scraper, [processOn(store, clock, "two", "host")]);
    assertEquals(scraper.increase, 3);
  });
});

Deno.test("of several processes on one store each hour is told once, whoever lives to tell it", async () => {
  await withStore(true, async (store) => {
    const [clock, scraper] = [{ now: HOUR * 3_600 }, new Scraper()];
    const [one, two, three] = ["one", "two", "three"].map((name) => processOn(store, clock, name)) as [
      Process,
      Process,
      Process,
    ];
    let issued = 0;
    const issue = (process: Process, tokens: number) => {
      process.counters.issued("demo", tokens);
      issued += tokens;
    };
    await pass(clock, SCRAPE_SECONDS, scraper, [one, two, three]);
    for (let hour = 0; hour < 3; hour++) {
      issue(one, 1);
      issue(two, 10);
      issue(three, 100);
      for (const process of [one, two, three]) await process.rows.flush();
      await pass(clock, 3_600, scraper, [one, two, three]);
    }
    // Two is killed, and nobody takes its place.
    issue(one, 1_000);
    issue(two, 20_000);
    await one.rows.flush();
    await two.rows.flush();
    await pass(clock, 3_600, scraper, [one, three]);
    assertEquals(scraper.increase, 333, "an hour of a process that may be there still is left to it");
    await pass(clock, TELL_FOR_OTHERS_AFTER_SECONDS, scraper, [one, three]);
    assertEquals(scraper.increase, issued);
    // Nobody scrapes three: the others tell what it counts.
    issue(three, 300_000);
    await three.rows.flush();
    await pass(clock, 3_600 + TELL_FOR_OTHERS_AFTER_SECONDS + 3_600, scraper, [one]);
    assertEquals(scraper.increase, issued);
    // And it does not tell it a second time when it is scraped again.
    await pass(clock, 7_200, scraper, [one, three]);
    assertEquals(scraper.increase, issued);
  });
});

Deno.test("what another process counts has no name here before its hour is over", async () => {
  await withStore(true, async (store) => {
    const clock = { now: HOUR * 3_600 };
    const [one, two] = [processOn(store, clock, "one"), processOn(store, clock, "two")];
    one.counters.issued("demo", 3);
    await one.rows.flush();
    const names = async () => {
      await two.teller.tell();
      return [...two.counters.exported().get("demo")?.keys() ?? []];
    };
    assertEquals(await names(), []);
    clock.now += 3_599;
    assertEquals(await names(), []);
    clock.now += 61;
    assertEquals(await names(), ["tokens"]);
  });
});

Deno.test("two that tell at the same moment tell an hour once", async () => {
  await withStore(true, async (store) => {
    const clock = { now: HOUR * 3_600 };
    const gone = processOn(store, clock, "gone");
    gone.counters.issued("demo", 3);
    await gone.rows.flush();
    const both = [processOn(store, clock, "one"), processOn(store, clock, "two")];
    for (const seconds of [0, 3_600, TELL_FOR_OTHERS_AFTER_SECONDS]) {
      clock.now += seconds;
      await Promise.all(both.map(({ teller }) => teller.tell()));
    }
    const told = both.map(({ counters }) => sumOf(counters.exported().get("demo"), "tokens"));
    assertEquals(told.toSorted(), [0, 3]);
  });
});

Deno.test("hours of an older program, which told them itself, are not told again", async () => {
  await withStore(false, async (store) => {
    const [clock, scraper] = [{ now: HOUR * 3_600 + 1_800 }, new Scraper()];
    for (const hour of [HOUR - 3, HOUR]) {
      await store.commit((commit) => commit.set(COUNTERS.key(hour, "demo", "older"), { tokens: 5 }));
    }
    await pass(clock, 7_200, scraper, [processOn(store, clock, "new")]);
    // Of the hour in which it ended it could tell nothing.
    assertEquals(scraper.increase, 5);
  });
});

Deno.test("an hour is told once when the store writes and its answers get lost, and later when it is away", async () => {
  await withEndpoint(async (endpoint, open) => {
    const store = storeOver(await open(), { deadlineMs: 250 });
    const clock = { now: HOUR * 3_600 };
    const { counters, teller } = processOn(store, clock, "one");
    await teller.tell();
    counters.issued("demo", 3);
    clock.now += 3_600 + TELL_AFTER_SECONDS;
    endpoint.faults.hang = true;
    await assertRejects(() => teller.tell());
    assertEquals(sumOf(counters.exported().get("demo"), "tokens"), 0);
    endpoint.faults.hang = false;
    for (const fault of ["truncateAnswer", "unavailableAfterWrite"] as const) {
      endpoint.faults[fault] = 1;
      await teller.tell().catch(() => {});
      endpoint.faults[fault] = 0;
    }
    await teller.tell();
    await teller.tell();
    assertEquals(sumOf(counters.exported().get("demo"), "tokens"), 3);
  });
});
