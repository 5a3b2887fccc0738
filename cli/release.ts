// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task release [--app X] [--day YYYY-MM-DD] [--early] [--yes]` says what answering the questions about a day costs
 * (yesterday by default), asks, answers those that are not answered, and shows the figures. `deno task release verify` verifies what was answered.
 *
 * @module
 */
import type { Outcome } from "../core/privacy/release/release.ts";
import { dayOf, formatDay } from "../core/base/time.ts";
import { callAdmin, CommandError } from "./admin_api.ts";
import { EXIT, runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { APP, requireDay } from "./options.ts";
import { loadConfig } from "../boot/load_config.ts";
import { askToRelease } from "./release_ask.ts";
import { verifyReleases } from "./release_verify.ts";
import { formatTable } from "./table.ts";

/** A release as the admin API tells it. */
export interface ReleaseAnswer {
  /** The question's name. */
  readonly query: string;
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Figures below it are suppressed. */
  readonly threshold: number;
  /** How it was made, of which: from where on figures are shown, which is no less. */
  readonly method?: { readonly "shown-from"?: number };
  /** How many were. */
  readonly withheld: number;
  /** What is published. */
  readonly figures: readonly {
    readonly cell: Record<string, unknown>;
    readonly count: number;
    readonly lower: number;
    readonly upper: number;
    /** Of a rate: among how many people. */
    readonly among?: number;
    /** Of a rate. */
    readonly rate?: RateAnswer;
  }[];
}

/** A rate as the admin API tells it: a share, and between which it is. */
export interface RateAnswer {
  readonly share: number | null;
  readonly lower: number;
  readonly upper: number;
}

/** A budget as the admin API tells it. */
export interface BudgetAnswer {
  /** Its first day. */
  readonly from: string;
  /** Its last day. */
  readonly to: string;
  /** What is spent of it. */
  readonly spent: { readonly epsilon: number; readonly rho?: number };
  /** What is left of it. */
  readonly left: { readonly epsilon: number; readonly rho?: number };
}

/** Makes the releases of an application's day; gives what became of each, and those there are. */
export async function makeReleases(
  app: string,
  day: string,
  early: boolean,
): Promise<{ outcomes: Record<string, Outcome>; releases: ReleaseAnswer[]; budgets: BudgetAnswer[] }> {
  const path = `/admin/v1/apps/${encodeURIComponent(app)}/releases`;
  const made = await callAdmin(`${path}/${encodeURIComponent(day)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(early ? { early } : {}),
  });
  const { outcomes } = await made.json();
  const { releases, budgets } = await (await callAdmin(path)).json();
  return { outcomes, releases: releases.filter((release: ReleaseAnswer) => release.day === day), budgets };
}

/** The applications of the configuration that release anything. */
async function releasingApplications(): Promise<string[]> {
  const { applications } = await loadConfig() as { applications: Record<string, { releases?: unknown }> };
  return Object.entries(applications).filter(([, { releases }]) => releases !== undefined).map(([id]) => id);
}

/** A rate and its interval in percent. */
export function formatRate({ share, lower, upper }: RateAnswer): [rate: string, interval: string] {
  const percent = (part: number) => (part * 100).toFixed(1);
  return [share === null ? "" : `${percent(share)} %`, `${percent(lower)} .. ${percent(upper)} %`];
}

function show(app: string, release: ReleaseAnswer): void {
  console.log(`\n${app}, ${release.day}: ${release.query}`);
  const isRate = release.figures.some(({ rate }) => rate !== undefined);
  console.log(formatTable([
    ["", "count", "95 % interval", ...(isRate ? ["among", "rate", "95 % interval"] : [])],
    ...release.figures.map(({ cell, count, lower, upper, among = "", rate }) => [
      Object.entries(cell).map(([field, value]) => `${field} ${value ?? "absent"}`).join(", ") || "all",
      count,
      `${lower} .. ${upper}`,
      ...(rate === undefined ? [] : [among, ...formatRate(rate)]),
    ]),
  ]));
  if (release.withheld > 0) {
    console.log(
      `${release.withheld} figures below ${
        release.method?.["shown-from"] ?? release.threshold
      } are suppressed.`,
    );
  }
}

async function release(
  { apps, day, early }: { readonly apps: readonly string[]; readonly day: string; readonly early: boolean },
): Promise<void> {
  for (const id of apps) {
    const { outcomes, releases, budgets } = await makeReleases(id, day, early);
    for (const release of releases) show(id, release);
    for (const [query, outcome] of Object.entries(outcomes)) console.log(`\n${id} ${query}: ${outcome}`);
    for (const { from, to, left } of budgets.filter((budget) => budget.from <= day && day <= budget.to)) {
      const amount = left.rho === undefined ? `epsilon ${left.epsilon}` : `rho ${left.rho}`;
      console.log(`Left of the budget of ${from} to ${to}: ${amount}`);
    }
  }
}

const OPTIONS = {
  app: { ...APP, help: "One application: by default all that release anything." },
  day: { type: "string", value: "DAY", help: "The day: YYYY-MM-DD." },
} as const;

async function applicationsOf(app: string | undefined): Promise<string[]> {
  const named = app === undefined ? await releasingApplications() : [app];
  if (named.length > 0) return named;
  throw new CommandError("No application of the configuration releases anything.");
}

if (import.meta.main) {
  await runCommand({
    name: "release",
    help: "Answers the questions about a day with differential privacy, or verifies what was answered.",
    subcommands: {
      "": subcommand({
        help:
          "Says what answering the questions about a day costs, asks, answers those that are not answered, and " +
          "shows the figures.",
        options: {
          ...OPTIONS,
          day: { ...OPTIONS.day, help: "The day: YYYY-MM-DD, yesterday by default." },
          early: {
            type: "boolean",
            help: "Answers a day that is not over, too: what comes later is in no release.",
          },
          yes: { type: "boolean", help: "Does not ask: what it costs does not come back." },
        },
        async work({ app, day = formatDay(dayOf(Date.now() / 1000) - 1), early, yes }) {
          const wish = { apps: await applicationsOf(app), day: requireDay(day), early };
          await askToRelease({ ...wish, yes });
          await release(wish);
        },
      }),
      verify: subcommand({
        help:
          "Computes the noise and thresholds of releases again, and holds their digests against the audit log.",
        options: {
          ...OPTIONS,
          day: { ...OPTIONS.day, help: "The releases of this day alone: YYYY-MM-DD." },
          file: {
            type: "string",
            value: "FILE",
            help: "A saved answer of the releases, in the place of the service's.",
          },
          trail: {
            type: "string",
            value: "FILE",
            help: "The saved audit log that belongs to it: trail.ndjson.",
          },
        },
        found: "a release differs",
        async work({ app, day, file, trail }) {
          if (day !== undefined) requireDay(day);
          if (!await verifyReleases({ apps: () => applicationsOf(app), day, file, trail })) {
            Deno.exit(EXIT.found);
          }
        },
      }),
    },
  });
}
