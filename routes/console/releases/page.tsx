/**
 * `GET /console/apps/{app}/releases`: the answers to the questions that telemetry is for, as pictures and tables.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { toNumber } from "../../../core/privacy/dp/rational.ts";
import { CONFIDENCE } from "../../../core/privacy/release/figures.ts";
import type { Release } from "../../../core/privacy/release/rows.ts";
import { deriveFrom } from "../../../core/privacy/release/derived.ts";
import { formatDay } from "../../../core/base/time.ts";
import { BudgetLine } from "./budget.tsx";
import { DerivedFigures } from "./derived.tsx";
import { formatCount } from "../frame/format.ts";
import { PageHead } from "../frame/layout.tsx";
import { Badge, Plot } from "../frame/parts.tsx";
import { cellName, type QuestionView, RELEASE_DAYS, type ReleasesView } from "./view.ts";

/** Cells of one answer's table. */
const SHOWN_CELLS = 50;

/** The page. */
export function ReleasesPage({ app, view }: { readonly app: Application; readonly view: ReleasesView }) {
  const hasAny = view.questions.some(({ releases }) => releases.length > 0);
  return (
    <>
      <PageHead
        title={`Releases of ${app.id}`}
        lead={`How many people, not who: every night each question is answered once about the day before, with noise that hides every single person. The upright line at a point, and the band between points, are where the true figure is with ${
          CONFIDENCE * 100
        } % confidence.`}
      >
        {hasAny && <a class="button" href={`/console/apps/${app.id}/releases.csv`} download>Download CSV</a>}
      </PageHead>
      <div class="stack">
        {view.budget !== undefined && (
          <section class="panel" aria-label="Budget">
            <BudgetLine state={view.budget} />
          </section>
        )}
        {!view.isConfigured && !hasAny && (
          <p class="note">
            This application asks no question: see releases in docs/privacy.md.
          </p>
        )}
        {view.questions.map((question) => <Question app={app} question={question} />)}
      </div>
    </>
  );
}

function Question({ app, question: { query, releases, figure } }: {
  readonly app: Application;
  readonly question: QuestionView;
}) {
  const latest = releases.at(-1);
  const asked = app.releases?.queries[query];
  const event = latest?.plan.event ?? asked?.event ?? "";
  const by = latest === undefined
    ? (asked?.of === undefined ? asked?.by ?? [] : [asked.of])
    : (latest.plan.of === undefined ? latest.plan.by : [latest.plan.of]);
  const id = `figure-${query.replace(/[^A-Za-z0-9_-]/g, "-")}`;
  return (
    <section class="panel" aria-labelledby={`question-${id}`}>
      <div class="head">
        <h2 id={`question-${id}`}>{query}</h2>
        <span class="small muted">
          <code>{event}</code>
          {by.length > 0 && (
            <>
              {" by "}
              <code>{by.join(", ")}</code>
            </>
          )}
        </span>
      </div>
      {latest === undefined
        ? (
          <p class="empty">
            No answer in the last {RELEASE_DAYS} days. The first one comes in the night after a whole day.
          </p>
        )
        : (
          <>
            {figure === undefined
              ? <p class="empty">No figure reached the threshold of {latest.plan.threshold}.</p>
              : <Plot id={id} title={query} figure={figure} />}
            <Answer release={latest} by={by} />
            <AnswerTogether release={latest} />
            {releases.length > 1 && (
              <details>
                <summary>Earlier days</summary>
                {releases.slice(0, -1).toReversed().map((release) => <Answer release={release} by={by} />)}
              </details>
            )}
          </>
        )}
    </section>
  );
}

function Answer({ release, by }: { readonly release: Release; readonly by: readonly string[] }) {
  const { day, plan, noise, early, withheld, figures } = release;
  const most = Math.max(1, ...figures.map(({ upper }) => upper));
  const counted = countedIn(release);
  return (
    <div>
      <p class="small muted">
        {formatDay(day)}: {counted.toLowerCase()}, {describeNoise(noise)}, cost{" "}
        {describeCost(release)}, figures below {plan.threshold}{" "}
        suppressed{withheld > 0 && ` (${formatCount(withheld)} of them)`}.{" "}
        {early && <Badge tone="warn">before the day was over</Badge>}
      </p>
      <div class="scroll" tabindex={0} role="region" aria-label={`Figures of ${formatDay(day)}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{by.length === 0 ? "Who" : by.join(", ")}</th>
              <th scope="col" class="number">{counted}</th>
              <th scope="col" class="number">{CONFIDENCE * 100} % interval</th>
              <th scope="col">
                <span class="sr">Share of the greatest</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {figures.slice(0, SHOWN_CELLS).map(({ cell, count, lower, upper }) => (
              <tr>
                <th scope="row">{cellName(cell)}</th>
                <td class="number">
                  <b>{formatCount(count)}</b>
                </td>
                <td class="number">{formatCount(lower)} to {formatCount(upper)}</td>
                <td class="share">
                  <meter min={0} max={most} value={Math.max(0, count)} aria-label={cellName(cell)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {figures.length > SHOWN_CELLS && (
        <p class="small muted">The CSV has the other {formatCount(figures.length - SHOWN_CELLS)} figures.</p>
      )}
    </div>
  );
}

/** What the figures of an answer say together. */
function AnswerTogether({ release }: { readonly release: Release }) {
  const derived = deriveFrom(release);
  if (derived === undefined || release.plan.by.length === 0) return null;
  return <DerivedFigures derived={derived} day={formatDay(release.day)} counted={countedIn(release)} />;
}

function countedIn({ plan }: Release): string {
  return plan.eventsPerCell === 1 ? "People" : "Events";
}

function describeNoise(noise: Release["noise"]): string {
  return noise.kind === "laplace"
    ? `Laplace noise of scale ${round(toNumber(noise.scale))}`
    : `Gaussian noise of standard deviation ${round(Math.sqrt(toNumber(noise.variance)))}`;
}

function describeCost({ plan: { cost } }: Release): string {
  return `${round(toNumber(cost.amount))} ${cost.unit === "pure" ? "epsilon" : "rho"}`;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
