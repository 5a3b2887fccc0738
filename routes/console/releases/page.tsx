/**
 * `GET /console/apps/{app}/releases`: the answers to the questions that telemetry is for, as pictures and tables.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { CONFIDENCE } from "../../../core/privacy/release/shown.ts";
import { Answer, AnswerTogether } from "./answer.tsx";
import { BudgetLine } from "./budget.tsx";
import { Expected } from "./expected.tsx";
import { PageHead } from "../frame/layout.tsx";
import { Plot } from "../frame/parts.tsx";
import { type QuestionView, RELEASE_DAYS, type ReleasesView } from "./view.ts";

/** The page. */
export function ReleasesPage({ app, view }: { readonly app: Application; readonly view: ReleasesView }) {
  const hasAny = view.questions.some(({ releases }) => releases.length > 0);
  return (
    <>
      <PageHead
        title={`Releases of ${app.id}`}
        lead={`How many people, not who: every night each question is answered once about the day before, or after a period about all of it, with noise that hides every single person. The upright line at a point, and the band between points, are where the true figure is with ${
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
  const among = (latest?.plan ?? asked)?.among;
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
          {among !== undefined && (
            <>
              {" among "}
              <code>{among}</code>
            </>
          )}
          {by.length > 0 && (
            <>
              {" by "}
              <code>{by.join(", ")}</code>
            </>
          )}
        </span>
      </div>
      {asked !== undefined && <Expected app={app} query={asked} />}
      {latest === undefined
        ? (
          <p class="empty">
            No answer in the last {RELEASE_DAYS} days. The first one comes in the night after a whole{" "}
            {asked?.over === undefined ? "day" : "period of the pseudonyms"}.
          </p>
        )
        : (
          <>
            {figure === undefined
              ? (
                <p class="empty">
                  No figure reached the threshold of {latest.method?.["shown-from"] ?? latest.plan.threshold}.
                </p>
              )
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
