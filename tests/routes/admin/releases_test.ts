import { assert, assertEquals, assertMatch } from "@std/assert";
import { tokenDigest } from "../../../edge/auth/bearer.ts";
import { createApp } from "../../../routes/app.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import { DitClient } from "../../../client/mod.ts";
import { startService, type TestService } from "../../support/client/client_service.ts";

const WORDS = { description: "d", purpose: "p", owner: "o", expires: "2099-12-31" };
const EVENTS = {
  app_crash: {
    ...WORDS,
    fields: {
      version: { type: "version", majors: [1, 2], minors: 9 },
      platform: { type: "enum", values: ["web", "phone"] },
    },
  },
} as const;
const RELEASES = {
  budget: { epsilon: 70 },
  queries: {
    crashes: { event: "app_crash", by: ["version"], epsilon: 8, threshold: 3 },
    total: { event: "app_crash", epsilon: 2, threshold: 0 },
  },
} as const;

async function withAdmin(
  run: (
    test: TestService,
    ask: (path: string, body?: unknown, token?: string) => Promise<Response>,
  ) => Promise<void>,
): Promise<void> {
  const test = await startService({ events: EVENTS, releases: RELEASES });
  const app = createApp({
    version: "0.0.0",
    service: test.service,
    operatorTokens: { admin: tokenDigest("a-token"), reader: tokenDigest("a-reader") },
  });
  try {
    await run(
      test,
      async (path, body, token = "a-token") =>
        await app.request(`/admin/v1/apps/notes/releases${path}`, {
          method: body === undefined ? "GET" : "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
    );
  } finally {
    await test.close();
  }
}

async function crash(test: TestService, people: number, version: string): Promise<void> {
  for (let person = 0; person < people; person++) {
    const client = new DitClient({
      endpoint: "https://telemetry.example",
      app: "notes",
      fetch: test.fetch,
      now: () => test.clock.now,
      session: () => test.signIn(`${version}-${person}`),
    });
    client.log("app_crash", { version, platform: "web" });
    client.log("app_crash", { version, platform: "web" });
    await client.flush();
    await client.close();
  }
}

Deno.test("releases are made, read as JSON and CSV, and stay what they are", () =>
  withAdmin(async (test, ask) => {
    await crash(test, 12, "1.2");
    const day = new Date(test.clock.now).toISOString().slice(0, 10);
    assertEquals((await (await ask(`/${day}`, {})).json()).outcomes, {
      crashes: "not over",
      total: "not over",
    });
    test.clock.now += 86_400_000;
    const made = await ask(`/${day}`, {});
    const outcomes = { crashes: "published", total: "published" };
    assertEquals(await made.text(), JSON.stringify({ app: "notes", day, outcomes }));
    assertEquals((await (await ask(`/${day}`, {})).json()).outcomes, {
      crashes: "present",
      total: "present",
    });

    // Releases and budgets are read, and no raw record.
    const { store } = test.service;
    const list = store.list.bind(store);
    const listed = new Set<unknown>();
    store.list = (range, options) => {
      for (const [letter] of Object.values(range)) listed.add(letter);
      return list(range, options);
    };
    const json = await (await ask("", undefined, "a-reader")).json();
    const csv = await ask(".csv", undefined, "a-reader");
    const text = await csv.text();
    assertEquals(listed, new Set(["i", "j"]));

    assertEquals(json.budgets.map((budget: Record<string, unknown>) => [budget.spent, budget.left]), [
      [{ epsilon: 0, delta: 0 }, { epsilon: 70, delta: 1e-6 }],
      [{ epsilon: 10, delta: 0 }, { epsilon: 60, delta: 1e-6 }],
    ]);
    const [crashes, total] = json.releases;
    assertEquals([crashes.query, crashes.day, crashes.by, crashes.counts], [
      "crashes",
      day,
      ["version"],
      "people",
    ]);
    assertEquals([crashes.noise, crashes.cost], [{ kind: "laplace", scale: 0.125 }, {
      epsilon: 8,
      delta: 0,
    }]);
    const figure = crashes.figures.find(({ cell }: { cell: { version: string } }) => cell.version === "1.2");
    assert(figure.lower <= 12 && 12 <= figure.upper, JSON.stringify(figure));
    assertEquals(Object.keys(total.figures[0].cell), []);
    const [version] = crashes.totals.values;
    assertEquals([version.field, version.value], ["version", "1.2"]);
    assert(version.share.lower <= 1 && version.share.upper === 1, JSON.stringify(version));
    assert(crashes.totals.all.lower <= 12 && 12 <= crashes.totals.all.upper, JSON.stringify(crashes.totals));
    assertEquals(crashes.quantiles, []);

    assertEquals(csv.headers.get("content-type"), "text/csv; charset=utf-8");
    const lines = text.split("\r\n");
    assertEquals(
      lines[0],
      "day,query,event,cell,count,lower,upper,confidence,noise,cost_epsilon,cost_rho,cost_delta,budget_left,early,among,rate,rate_lower,rate_upper,from",
    );
    assertMatch(
      lines.find((line) => line.includes("version=1.2"))!,
      new RegExp(
        `^${day},crashes,app_crash,version=1\\.2,\\d+,\\d+,\\d+,0\\.95,laplace\\(0\\.125\\),8,,0,60,false,,,,,${day}$`,
      ),
    );
    assertEquals(lines.length - 2, crashes.figures.length + total.figures.length);
  }));

Deno.test("a day may be released early by an operator, and only by one who may act", () =>
  withAdmin(async (test, ask) => {
    await crash(test, 8, "2.0");
    const day = new Date(test.clock.now).toISOString().slice(0, 10);
    assertEquals((await ask(`/${day}`, { early: true }, "a-reader")).status, 403);
    assertEquals((await (await ask(`/${day}`, { early: true })).json()).outcomes.crashes, "published");
    const { releases } = await (await ask("")).json();
    assertEquals(releases[0].early, true);
  }));

Deno.test("a malformed wish for releases is refused", () =>
  withAdmin(async (_test, ask) => {
    assertEquals((await ask("/2027-02-30", {})).status, 404);
    for (const body of [{ early: "yes" }, { late: true }, 5]) {
      assertEquals((await ask("/2027-01-01", body)).status, 400);
    }
  }));

Deno.test("what answering a day would cost is told before it is paid, and writes nothing", () =>
  withAdmin(async (test, ask) => {
    await runMaintenance(test.service);
    const day = new Date(test.clock.now).toISOString().slice(0, 10);
    const foreseen = await (await ask(`/${day}`, undefined, "a-reader")).json();
    const { questions, cost, budget, over, first } = foreseen;
    assertEquals([over, first, cost], [false, day, { epsilon: 10, delta: 0 }]);
    assertEquals(questions, {
      crashes: { state: "to answer", cost: { epsilon: 8, delta: 0 } },
      total: { state: "to answer", cost: { epsilon: 2, delta: 0 } },
    });
    assertEquals([budget.left.epsilon, budget.spent.epsilon], [70, 0]);
    assertEquals(await (await ask(`/${day}`)).json(), foreseen);
    await ask(`/${day}`, { early: true });
    const after = await (await ask(`/${day}`)).json();
    assertEquals([after.questions.total.state, after.cost.epsilon, after.budget.left.epsilon], [
      "present",
      0,
      60,
    ]);
  }));

Deno.test("a day before the first key is not answered and costs nothing", () =>
  withAdmin(async (test, ask) => {
    await runMaintenance(test.service);
    const before = new Date(test.clock.now - 86_400_000).toISOString().slice(0, 10);
    const outcomes = { crashes: "before the first key", total: "before the first key" };
    assertEquals((await (await ask(`/${before}`, {})).json()).outcomes, outcomes);
    const { questions, cost, budget } = await (await ask(`/${before}`)).json();
    assertEquals([questions.total.state, cost.epsilon, budget.spent.epsilon], ["before the first key", 0, 0]);
    assertEquals((await ask("/2027-02-30")).status, 404);
  }));
