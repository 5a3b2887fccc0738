/**
 * `GET /console`: does telemetry flow, is anybody refused and why, is the service well.
 *
 * @module
 */
import type { Overview, Window } from "./read.ts";
import { drawnCount, formatMany, formatShare } from "../frame/format.ts";
import type { HealthLine, OverviewView } from "./view.ts";
import { type Figure, Plot, PlotTable, Shares } from "../frame/parts.tsx";
import { PageHead } from "../frame/layout.tsx";
import { Refusals } from "./refusals.tsx";

/** The figure of one series of windows. */
export function trafficFigure(windows: readonly Window[], kind: "line" | "bars"): Figure {
  return {
    times: windows.map(({ startsAtSeconds }) => startsAtSeconds),
    series: [["Accepted", "accent", kind], ["Refused", "bad", kind]],
    values: [
      windows.map(({ accepted }) => drawnCount(accepted)),
      windows.map(({ refused }) => drawnCount(refused)),
    ],
  };
}

/** The parts that the live view replaces, by their ids. */
export const OVERVIEW_PARTS = {
  "overview-health": ({ view }: { view: OverviewView }) => <HealthList lines={view.health} />,
  "overview-tiles": ({ view }: { view: OverviewView }) => <Tiles counts={view.counts} />,
  "overview-refusals": ({ view }: { view: OverviewView }) => <Refusals counts={view.counts} />,
  "overview-ledger": ({ view }: { view: OverviewView }) => <Ledger counts={view.counts} />,
  "overview-apps": ({ view }: { view: OverviewView }) => <Apps counts={view.counts} />,
  "overview-tables": ({ view }: { view: OverviewView }) => (
    <PlotTable figure={trafficFigure(view.minutes, "line")} />
  ),
  "overview-hours-table": ({ view }: { view: OverviewView }) => (
    <PlotTable figure={trafficFigure(view.counts.hours, "bars")} />
  ),
} as const;

/** The figures that the live view replaces. */
export function overviewFigures(view: OverviewView): Record<string, Figure> {
  return {
    "figure-minutes": trafficFigure(view.minutes, "line"),
    "figure-hours": trafficFigure(view.counts.hours, "bars"),
  };
}

function Part({ id, view }: { readonly id: keyof typeof OVERVIEW_PARTS; readonly view: OverviewView }) {
  return <div id={id}>{OVERVIEW_PARTS[id]({ view })}</div>;
}

/** The page. */
export function OverviewPage({ view }: { readonly view: OverviewView }) {
  return (
    <>
      <PageHead
        title="Overview"
        live
        lead="Clients fetch blindly signed tokens and send anonymous logs with them. Here is what arrived, what was refused, and why. Nothing on this page can tell one client from another."
      />
      <div class="stack">
        <Part id="overview-health" view={view} />
        <Part id="overview-tiles" view={view} />
        <div class="columns">
          <section class="panel">
            <div class="head">
              <h2>Logs in the last hour</h2>
              <span class="small muted">by the minute, on this port alone; fewer than 10 as 10</span>
            </div>
            <Plot
              id="figure-minutes"
              title="Logs by the minute"
              figure={trafficFigure(view.minutes, "line")}
            />
            <Part id="overview-tables" view={view} />
          </section>
          <section class="panel">
            <div class="head">
              <h2>Logs in the last 7 days</h2>
              <span class="small muted">by the hour, all processes; fewer than 10 as 10</span>
            </div>
            <Plot
              id="figure-hours"
              title="Logs by the hour"
              figure={trafficFigure(view.counts.hours, "bars")}
            />
            <Part id="overview-hours-table" view={view} />
          </section>
        </div>
        <section class="panel" aria-labelledby="refusals">
          <div class="head">
            <h2 id="refusals">Refused, and why</h2>
            <span class="small muted">a refused request changes nothing</span>
          </div>
          <Part id="overview-refusals" view={view} />
        </section>
        {view.counts.apps.length > 1 && (
          <section class="panel" aria-labelledby="applications">
            <div class="head">
              <h2 id="applications">Applications</h2>
              <span class="small muted">last 24 hours</span>
            </div>
            <Part id="overview-apps" view={view} />
          </section>
        )}
        <Part id="overview-ledger" view={view} />
      </div>
    </>
  );
}

function HealthList({ lines }: { readonly lines: readonly HealthLine[] }) {
  return (
    <ul class="health" aria-label="Health">
      {lines.map(({ tone, text, more, href }) => (
        <li>
          <span class={`dot ${tone}`} role="img" aria-label={WORDS[tone]} />
          <span>
            {href === undefined ? text : <a href={href}>{text}</a>}{" "}
            {more !== undefined && <span class="muted">{more}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

const WORDS = { good: "Well:", warn: "Look at this:", bad: "Wrong:" } as const;

function Tile({ label, count, more, tone }: {
  readonly label: string;
  readonly count: number;
  readonly more: string;
  readonly tone?: "bad";
}) {
  return (
    <div class={tone === undefined ? "tile" : `tile ${tone}`}>
      <dt>{label}</dt>
      <dd>{formatMany(count)}</dd>
      <dd>{more}</dd>
    </div>
  );
}

function Tiles({ counts: { day, thisHour } }: { readonly counts: Overview }) {
  const thisHours = (count: number) => `${formatMany(count)} since the hour began`;
  const logs = day.accepted + day.replayed + day.refused;
  // A share of few would tell how many they are.
  const share = drawnCount(day.refused) === day.refused && logs > 0
    ? `${formatShare(day.refused, logs)} of all, `
    : "";
  return (
    <div class="stack">
      {logs === 0 && (
        <p class="note">
          No log has arrived in the last 24 hours. Apps send them with the client SDK;{" "}
          <code>deno task demo</code> shows how it looks.
        </p>
      )}
      <dl class="tiles" aria-label="The last 24 hours">
        <Tile label="Logs accepted, 24 h" count={day.accepted} more={thisHours(thisHour.accepted)} />
        <Tile
          label="Logs refused, 24 h"
          count={day.refused}
          more={`${share}${thisHours(thisHour.refused)}`}
          {...(day.refused > 0 ? { tone: "bad" as const } : {})}
        />
        <Tile
          label="Repeats recognised, 24 h"
          count={day.replayed}
          more="sent again after a lost answer, counted once"
        />
        <Tile label="Events stored, 24 h" count={day.events} more={thisHours(thisHour.events)} />
        <Tile label="Tokens issued, 24 h" count={day.tokens} more={thisHours(thisHour.tokens)} />
      </dl>
    </div>
  );
}

function Apps({ counts: { apps } }: { readonly counts: Overview }) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Applications">
      <table>
        <thead>
          <tr>
            <th scope="col">Application</th>
            <th scope="col" class="number">Accepted</th>
            <th scope="col" class="number">Refused</th>
            <th scope="col" class="number">Repeats</th>
            <th scope="col" class="number">Events</th>
            <th scope="col" class="number">Tokens</th>
          </tr>
        </thead>
        <tbody>
          {apps.map(({ app, accepted, refused, replayed, events, tokens }) => (
            <tr>
              <th scope="row">{app}</th>
              {[accepted, refused, replayed, events, tokens].map((count) => (
                <td class="number">{formatMany(count)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Ledger({ counts: { uses, groups, durations } }: { readonly counts: Overview }) {
  return (
    <div class="columns narrow">
      <section class="panel">
        <h2>How fast logs are answered</h2>
        <Shares shares={durations} heads={["Time", "Logs"]} empty="No log yet." />
      </section>
      <section class="panel">
        <h2>Which use of their token logs claim</h2>
        <Shares shares={uses} heads={["Use", "Logs"]} empty="No log yet." />
      </section>
      <section class="panel">
        <h2>How many logs share a commit</h2>
        <Shares shares={groups} heads={["Logs", "Commits"]} empty="No commit yet." />
      </section>
    </div>
  );
}
