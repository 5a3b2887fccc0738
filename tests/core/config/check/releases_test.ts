import { assertEquals } from "@std/assert";
import { checkConfig, ConfigError } from "../../../../core/config/check/check.ts";
import { EVENTS } from "../../../support/privacy/released.ts";

type Members = Record<string, unknown>;
const PATH = "applications.demo.releases";
const GOOD = { event: "app_crash", by: ["version"], epsilon: 1 };

function mistakesOf(releases: unknown, more: Members = {}): readonly string[] {
  const session = { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "SECRET" } };
  try {
    checkConfig({
      issuer: "telemetry.example",
      applications: { demo: { session, events: { ...EVENTS, app_seen: SAMPLED }, releases, ...more } },
    }, { development: false });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
}

/** The people who are asked for it are not those who are asked for the others. */
const SAMPLED = { ...EVENTS.app_start, sample: 0.5 };

function withBudget(budget: unknown): readonly string[] {
  return mistakesOf({ budget, queries: { q: GOOD } });
}

function withQuery(query: unknown, budget: Members = { epsilon: 70 }): readonly string[] {
  return mistakesOf({ budget, queries: { q: query } });
}

Deno.test("checkConfig() takes releases as they should be", () => {
  for (
    const releases of [
      { budget: { epsilon: 7 }, queries: { q: GOOD } },
      { budget: { epsilon: 28, days: 28, delta: 1e-7 }, queries: { q: GOOD }, deleteRaw: true },
      {
        budget: { rho: 0.7 },
        queries: { q: { event: "app_crash", rho: 0.1, cellsPerPerson: 3, eventsPerCell: 5 } },
      },
      { budget: { epsilon: 7 }, queries: { q: { ...GOOD, cells: "selected", delta: 1e-8, threshold: 50 } } },
      { budget: { epsilon: 7 }, queries: { q: { event: "app_crash", by: ["step"], epsilon: 1 } } },
      { budget: { epsilon: 7 }, queries: { q: { event: "vote", of: "choice", epsilon: 1 } } },
      { budget: { epsilon: 7 }, queries: { q: { ...GOOD, among: "app_start" } } },
      // A week's question costs once a week.
      {
        budget: { epsilon: 8 },
        queries: { q: GOOD, active: { event: "app_crash", over: "period", epsilon: 1 } },
      },
      { budget: { epsilon: 7 }, queries: { q: { event: "app_crash", among: "vote", epsilon: 1 } } },
    ]
  ) assertEquals(mistakesOf(releases), []);
});

Deno.test("checkConfig() has one sentence for each mistake in a release budget", () => {
  const wrong: [unknown, string][] = [
    [undefined, ": write { epsilon: ... } or { rho: ... }."],
    [{}, ": write either epsilon or rho."],
    [{ epsilon: 7, rho: 1 }, ": write either epsilon or rho."],
    [{ epsilon: 0 }, ".epsilon: write a number from 0.000001 to 1000."],
    [{ epsilon: 9e-7 }, ".epsilon: write a number from 0.000001 to 1000."],
    [{ epsilon: "7" }, ".epsilon: write a number from 0.000001 to 1000."],
    [{ epsilon: 7, delta: 0.1 }, ".delta: write a number from 1e-30 to 0.01."],
    [
      { epsilon: 70, days: 10 },
      ".days: write a multiple of 7, so that no pseudonym has two budgets, 400 at most.",
    ],
    [
      { epsilon: 70, days: 0 },
      ".days: write a multiple of 7, so that no pseudonym has two budgets, 400 at most.",
    ],
    [{ epsilon: 7, period: 7 }, ': remove "period", which no setting is called.'],
    [{ epsilon: 6.9 }, ".epsilon: the questions cost 7 in 7 days: ask less, or allow it."],
    [{ epsilon: 7, days: 14 }, ".epsilon: the questions cost 14 in 14 days: ask less, or allow it."],
  ];
  for (const [budget, sentence] of wrong) assertEquals(withBudget(budget), [`${PATH}.budget${sentence}`]);
});

Deno.test("checkConfig() has one sentence for each mistake in a question", () => {
  const wrong: [unknown, string][] = [
    [5, ": write which event is counted, and what that may cost."],
    [{ ...GOOD, event: "crash" }, ".event: name an event of this application."],
    [{ ...GOOD, event: "constructor" }, ".event: name an event of this application."],
    [{ ...GOOD, by: ["build"] }, ".by: list at most 4 different fields of the event."],
    [{ ...GOOD, by: "version" }, ".by: list at most 4 different fields of the event."],
    [{ ...GOOD, by: ["version", "version"] }, ".by: list at most 4 different fields of the event."],
    [{ ...GOOD, by: ["toString"] }, ".by: list at most 4 different fields of the event."],
    [
      { event: "vote", by: ["choice"], epsilon: 1 },
      '.by: ask "of" choice in a question of its own: its values are randomised reports.',
    ],
    [
      { ...GOOD, of: "version", by: undefined },
      ".of: name a field of the event that is under local differential privacy.",
    ],
    [
      { event: "vote", of: "choice", epsilon: 1, cellsPerPerson: 2 },
      ".cellsPerPerson: remove it: of one person one report is counted.",
    ],
    [{ ...GOOD, epsilon: undefined }, ".epsilon: write a number from 0.000001 to 1000."],
    [{ ...GOOD, epsilon: -1 }, ".epsilon: write a number from 0.000001 to 1000."],
    [{ ...GOOD, rho: 1 }, ".rho: write epsilon, as the budget does."],
    [{ ...GOOD, cellsPerPerson: 0 }, ".cellsPerPerson: write a whole number from 1 to 100."],
    [{ ...GOOD, eventsPerCell: 1.5 }, ".eventsPerCell: write a whole number from 1 to 1000."],
    [{ ...GOOD, threshold: -1 }, ".threshold: write a whole number from 0 to 1000000."],
    [{ ...GOOD, cells: "all" }, ".cells: choose declared or selected."],
    [
      { ...GOOD, by: ["step"], cells: "declared" },
      ".cells: choose selected: there are more than 4096 combinations.",
    ],
    [{ ...GOOD, delta: 1e-8 }, '.delta: remove it, or choose cells "selected": declared cells cost none.'],
    [
      { ...GOOD, by: [], cells: "selected" },
      ".cells: remove it: without a breakdown there is nothing to select.",
    ],
    [{ ...GOOD, among: "nothing" }, ".among: name another event of this application."],
    [{ ...GOOD, among: "app_crash" }, ".among: name another event of this application."],
    [{ ...GOOD, among: "vote" }, ".among: name an event that has the field version with the same values."],
    [
      { ...GOOD, by: ["platform"], among: "app_start" },
      ".among: name an event that has the field platform with the same values.",
    ],
    [
      { ...GOOD, among: "app_seen" },
      ".among: name an event without sample, of one without it: a rate is of the same people.",
    ],
    [
      { ...GOOD, event: "app_seen", among: "app_start" },
      ".among: name an event without sample, of one without it: a rate is of the same people.",
    ],
    [
      { ...GOOD, among: "app_start", eventsPerCell: 2 },
      ".eventsPerCell: remove it: a rate is one of people.",
    ],
    [
      { event: "vote", of: "choice", among: "app_start", epsilon: 1 },
      ".among: remove it: of one person one report is counted.",
    ],
    [{ ...GOOD, over: "week" }, ".over: write period, or nothing for every day."],
    [{ ...GOOD, where: {} }, ': remove "where", which no setting is called.'],
  ];
  for (const [query, sentence] of wrong) assertEquals(withQuery(query), [`${PATH}.queries.q${sentence}`]);
  assertEquals(mistakesOf({ budget: { epsilon: 7 }, queries: { "Q 1": GOOD } }), [
    `${PATH}.queries.Q 1: name it with a-z, 0-9 and "_", a letter first, at most 63 characters.`,
  ]);
});

Deno.test("checkConfig() adds up what the questions cost, deltas too, exactly", () => {
  const selected = { ...GOOD, cells: "selected", delta: 1e-7 };
  assertEquals(withQuery(selected, { epsilon: 7, delta: 7e-7 }), []);
  assertEquals(withQuery(selected, { epsilon: 7, delta: 6e-7 }), [
    `${PATH}.budget.delta: the questions cost 7e-7 in 7 days: ask less, or allow it.`,
  ]);
  const tenths = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`q${index}`, { ...GOOD, epsilon: 0.1 }]),
  );
  assertEquals(mistakesOf({ budget: { epsilon: 7 }, queries: tenths }), []);
});

Deno.test("checkConfig() refuses a selection that could name no cell, which would fail in the night", () => {
  const sentence = `${PATH}.queries.q: allow it more epsilon, rho or delta, or fewer cellsPerPerson: ` +
    "no cell of fewer than 100000 people could be named.";
  const steps = { event: "app_crash", by: ["step"] };
  assertEquals(withQuery({ ...steps, epsilon: 0.01, cellsPerPerson: 100 }), [sentence]);
  assertEquals(withQuery({ ...steps, epsilon: 0.01, cellsPerPerson: 1 }), []);
  // Half of so small a rho is no epsilon at all.
  assertEquals(withQuery({ ...steps, rho: 1e-12 }, { rho: 1 }), [sentence]);
  assertEquals(withQuery({ ...GOOD, epsilon: 1e-6 }), []);
});

Deno.test("checkConfig() wants releases to ask something, of people who have pseudonyms", () => {
  assertEquals(mistakesOf(5), [`${PATH}: write { budget: { ... }, queries: { ... } }.`]);
  for (const queries of [undefined, {}, []]) {
    assertEquals(mistakesOf({ budget: { epsilon: 7 }, queries }), [
      `${PATH}.queries: ask at least one question, by name.`,
    ]);
  }
  assertEquals(mistakesOf({ budget: { epsilon: 7 }, queries: { q: GOOD }, deleteRaw: "yes" }), [
    `${PATH}.deleteRaw: write true or false.`,
  ]);
  assertEquals(mistakesOf({ budget: { epsilon: 7 }, queries: { q: GOOD } }, { pseudonymSeconds: false }), [
    `${PATH}: remove it: without a pseudonym nobody can tell people from events.`,
  ]);
  // A rotation that is none is named, and nothing fails over it.
  assertEquals(
    mistakesOf({ budget: { epsilon: 7 }, queries: { q: GOOD } }, { pseudonymSeconds: 100 }).length,
    1,
  );
  // An event with a mistake is named once, and not through what is asked of it.
  const broken = { ...EVENTS, app_crash: { ...EVENTS.app_crash, expires: "soon" } };
  assertEquals(mistakesOf({ budget: { epsilon: 7 }, queries: { q: GOOD } }, { events: broken }).length, 1);
});

Deno.test("checkConfig() wants a period's records to be kept until its question is answered", () => {
  const queries = { q: { ...GOOD, over: "period" } };
  assertEquals(mistakesOf({ budget: { epsilon: 1 }, queries }, { retentionDays: 7 }), []);
  assertEquals(mistakesOf({ budget: { epsilon: 1 }, queries }, { retentionDays: 6 }), [
    `${PATH}.queries.q.over: keep raw records for 7 days, or ask for every day.`,
  ]);
});
