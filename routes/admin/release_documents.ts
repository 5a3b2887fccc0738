/**
 * Releases and budgets as people and programs read them.
 *
 * @module
 */
import type { Application } from "../../core/config/types.ts";
import { privacyLoss } from "../../core/privacy/dp/accounting.ts";
import { type BudgetState, readBudget } from "../../core/privacy/release/budget.ts";
import { toNumber, ZERO } from "../../core/privacy/dp/rational.ts";
import { firstDayOf } from "../../core/privacy/release/families.ts";
import { foreseeDay } from "../../core/privacy/release/foresee.ts";
import { isDayOver } from "../../core/privacy/release/release.ts";
import { deriveFrom, rateOf } from "../../core/privacy/release/derived.ts";
import { CONFIDENCE } from "../../core/privacy/release/shown.ts";
import { countsOf } from "../../core/privacy/release/plan.ts";
import { readReleases, type Release } from "../../core/privacy/release/rows.ts";
import { tellDerived, tellLoss, tellNoise, tellShare } from "../../core/privacy/release/told.ts";
import type { EventSchemas } from "../../core/schema/event.ts";
import type { Server } from "../../core/service.ts";
import { dayOf, formatDay, formatInstant } from "../../core/base/time.ts";

/** Days of one answer. */
const SHOWN_DAYS = 31;

/** Releases of the last days with their budgets. */
export interface ShownReleases {
  /** Whose they are. */
  readonly app: Application;
  /** Oldest first. */
  readonly releases: readonly Release[];
  /** Those of the period before the running one and of the running one; none where nothing is asked. */
  readonly budgets: readonly BudgetState[];
}

/** Reads an application's releases of the last 31 days. */
export async function readShownReleases(
  { replica: store, now }: Server,
  app: Application,
): Promise<ShownReleases> {
  const today = dayOf(now());
  const releases = await readReleases(store, app.id, today - SHOWN_DAYS, today);
  if (app.releases === undefined) return { app, releases, budgets: [] };
  const current = await readBudget(store, app, today);
  return { app, releases, budgets: [await readBudget(store, app, current.fromDay - 1), current] };
}

/** The answer in JSON. */
export function describeReleases({ app, releases, budgets }: ShownReleases) {
  return {
    app: app.id,
    budgets: budgets.map(describeBudget),
    releases: releases.map((release) => describeRelease(release, app.events)),
  };
}

/** Looks at a day that is to be answered; one that is not over as if it were to be answered early. */
export async function describeForeseen({ store, risk, time }: Server, app: Application, day: number) {
  const nowSeconds = time.confirmedSeconds();
  const first = await store.get<number>(firstDayOf(app.id));
  const about = {
    app: app.id,
    day: formatDay(day),
    over: isDayOver(day, nowSeconds),
    first: first.value === null ? null : formatDay(first.value),
  };
  if (app.releases === undefined) {
    return { ...about, questions: {}, cost: tellLoss(privacyLoss("pure", ZERO)), budget: null };
  }
  const context = { store, withheldWithin: risk.withheldWithin.bind(risk) };
  const { questions, cost, budget } = await foreseeDay(context, app, { day, nowSeconds, early: true });
  return {
    ...about,
    questions: Object.fromEntries(
      Object.entries(questions).map((
        [query, { state, cost }],
      ) => [query, { state, cost: tellLoss(cost) }]),
    ),
    cost: tellLoss(cost),
    budget: describeBudget(budget),
  };
}

/** A budget of the answer. */
function describeBudget({ fromDay, toDay, budget, spent, left }: BudgetState) {
  return {
    from: formatDay(fromDay),
    to: formatDay(toDay),
    budget: tellLoss(budget),
    spent: tellLoss(spent),
    left: tellLoss(left),
  };
}

/** A release of the answer. */
function describeRelease(release: Release, events: EventSchemas) {
  const { query, day, plan, noise, publishedAt, early, withheld, figures, method, proof } = release;
  const by = plan.of === undefined ? plan.by : [plan.of];
  return {
    query,
    day: formatDay(day),
    ...(plan.days === undefined ? {} : { from: formatDay(day - plan.days + 1) }),
    event: plan.event,
    ...(plan.among === undefined ? {} : { among: plan.among }),
    by,
    counts: countsOf(plan),
    bounds: { "cells-per-person": plan.cellsPerPerson, "events-per-cell": plan.eventsPerCell },
    cells: plan.cells,
    threshold: plan.threshold,
    cost: tellLoss(plan.cost),
    noise: tellNoise(noise),
    ...(plan.of === undefined ? {} : { "local-dp": localDpOf(release, events) }),
    confidence: CONFIDENCE,
    published: formatInstant(publishedAt),
    early,
    withheld,
    figures: figures.map((figure) => {
      const { cell, count, lower, upper, among } = figure;
      const rate = rateOf(figure, noise, method?.["shown-from"]);
      return {
        cell: Object.fromEntries(by.map((name, index) => [name, cell[index] ?? null])),
        count,
        lower,
        upper,
        ...(rate === undefined ? {} : { among, rate: tellShare(rate) }),
      };
    }),
    ...tellDerived(deriveFrom(release)),
    ...(method === undefined || proof === undefined ? {} : { method, proof }),
  };
}

/** How devices randomised: as the release says; of one that does not, as it is configured now. */
function localDpOf({ plan: { event, of = "" }, method }: Release, events: EventSchemas) {
  const { epsilon } = method?.["local-dp"] ?? events[event]?.fields[of]?.localDp ?? {};
  return epsilon === undefined ? null : { epsilon };
}

const HEADER = [
  "day",
  "query",
  "event",
  "cell",
  "count",
  "lower",
  "upper",
  "confidence",
  "noise",
  "cost_epsilon",
  "cost_rho",
  "cost_delta",
  "budget_left",
  "early",
  "among",
  "rate",
  "rate_lower",
  "rate_upper",
  "from",
];

/** Releases as CSV (RFC 4180): a line a figure. `cell` is `field=value` joined by semicolons. */
export function releasesCsv({ releases, budgets }: ShownReleases): string {
  const lines = releases.flatMap(({ query, day, plan, noise, early, figures, method }) => {
    const by = plan.of === undefined ? plan.by : [plan.of];
    const { unit, amount, delta } = plan.cost;
    const state = budgets.find(({ fromDay, toDay }) => fromDay <= day && day <= toDay);
    return figures.map((figure) => {
      const { cell, count, lower, upper, among = "" } = figure;
      const rate = rateOf(figure, noise, method?.["shown-from"]);
      return [
        formatDay(day),
        query,
        plan.event,
        by.map((name, index) => `${name}=${cell[index] ?? ""}`).join(";"),
        count,
        lower,
        upper,
        CONFIDENCE,
        noise.kind === "laplace"
          ? `laplace(${toNumber(noise.scale)})`
          : `gaussian(${Math.sqrt(toNumber(noise.variance))})`,
        unit === "pure" ? toNumber(amount) : "",
        unit === "zcdp" ? toNumber(amount) : "",
        toNumber(delta),
        state === undefined ? "" : toNumber(state.left.amount),
        early,
        among,
        rate?.share ?? "",
        rate?.lower ?? "",
        rate?.upper ?? "",
        formatDay(day - (plan.days ?? 1) + 1),
      ];
    });
  });
  return [HEADER, ...lines].map((line) => line.map(csvField).join(",") + "\r\n").join("");
}

function csvField(value: string | number | boolean): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
