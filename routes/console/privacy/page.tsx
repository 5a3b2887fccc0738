/**
 * How identifying what is collected has become, and what is stopped for it.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { dayOf } from "../../../core/base/time.ts";
import { visibleText } from "../../../core/base/visible_text.ts";
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import { BudgetLine } from "../releases/budget.tsx";
import { formatCount, formatDistance, formatMany } from "../frame/format.ts";
import { Alerts } from "./alerts.tsx";
import { HeatHistory, HeatKey, HeatMap, percent, VERDICTS } from "./heat.tsx";
import { PageHead } from "../frame/layout.tsx";
import { Badge, type Tone } from "../frame/parts.tsx";
import { ALL_EVENTS } from "../../../core/privacy/risk/suppressions.ts";
import { type Decision, isInForce, type PrivacyView } from "./view.ts";

/** What the parts of the page are rendered from. */
export interface PrivacyProps {
  readonly app: Application;
  readonly view: PrivacyView;
  readonly session: ConsoleSession;
}

/** The parts that the live view replaces, by their ids. */
export const PRIVACY_PARTS = {
  "privacy-decisions": (props: PrivacyProps) => <Decisions {...props} />,
  "privacy-events": (props: PrivacyProps) => <Events {...props} />,
  "privacy-totals": (props: PrivacyProps) => <Totals {...props} />,
  "privacy-alerts": (props: PrivacyProps) => <Alerts alerts={props.view.alerts} />,
} as const;

function Part({ id, ...props }: PrivacyProps & { readonly id: keyof typeof PRIVACY_PARTS }) {
  return <div id={id}>{PRIVACY_PARTS[id](props)}</div>;
}

/** The page. */
export function PrivacyPage(props: PrivacyProps) {
  const { app, view } = props;
  return (
    <>
      <PageHead
        title={`Privacy of ${app.id}`}
        live
        lead="Anonymous transport is not enough: values that few people share identify by themselves. The service measures how many people have such a rare value, warns, and stops collecting what singles people out."
      />
      <div class="stack">
        {!view.isMeasured && (
          <p class="note warn">
            This application collects no pseudonym, so nobody can tell ten people from one who sent ten times:
            nothing is measured. The worst case of its schema is all that stands here; see its schema page.
          </p>
        )}
        <Part {...props} id="privacy-decisions" />
        {view.budget !== undefined && (
          <section class="panel" aria-labelledby="budget">
            <div class="head">
              <h2 id="budget">Privacy budget remaining</h2>
              <a href={`/console/apps/${app.id}/releases`}>Releases</a>
            </div>
            <BudgetLine state={view.budget} />
          </section>
        )}
        <section class="panel stack" aria-labelledby="risk">
          <div class="head">
            <h2 id="risk">Re-identification risk, by field and pair</h2>
            <span class="small muted">in the running pseudonym period</span>
          </div>
          <HeatKey />
          <Part {...props} id="privacy-events" />
        </section>
        <section class="panel" aria-labelledby="totals">
          <div class="head">
            <h2 id="totals">What one says in total</h2>
            <span class="small muted">all logs of a pseudonym in the running period</span>
          </div>
          <Part {...props} id="privacy-totals" />
        </section>
        <section class="panel" aria-labelledby="alerts">
          <div class="head">
            <h2 id="alerts">Alerts</h2>
            <span class="small muted">newest first</span>
          </div>
          <Part {...props} id="privacy-alerts" />
        </section>
      </div>
    </>
  );
}

const STATES: Readonly<Record<Decision["row"]["state"], readonly [tone: Tone, word: string]>> = {
  stopped: ["bad", "not collected"],
  suppressed: ["bad", "field not collected"],
  quarantined: ["warn", "withheld from export and release"],
  passed: ["good", "passed"],
  lifted: ["info", "lifted by a person"],
};

function Decisions({ app, view: { decisions, now }, session }: PrivacyProps) {
  const inForce = decisions.filter(isInForce).length;
  return (
    <div class="stack">
      {inForce === 0 ? <p class="note good">Nothing is stopped.</p> : (
        <p class="note bad" role="alert">
          <b>{inForce === 1 ? "One collection is stopped" : `${inForce} collections are stopped`}</b>, since
          what was collected singled people out.
        </p>
      )}
      {decisions.length > 0 && (
        <section class="panel" aria-label="Decisions">
          <table class="flow">
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">State</th>
                <th scope="col">Why</th>
                <th scope="col">Since</th>
                <th scope="col">
                  <span class="sr">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {decisions.map((decision) => {
                const { event, field, row } = decision;
                const [tone, word] = STATES[row.state];
                const path = field === undefined ? event : `${event}/${field}`;
                return (
                  <tr>
                    <th scope="row" class="wide">
                      {event === ALL_EVENTS
                        ? "all events"
                        : <code>{field === undefined ? event : `${event}.${field}`}</code>}
                    </th>
                    <td>
                      <Badge tone={tone}>{word}</Badge>
                    </td>
                    <td class="wide">
                      {(row.reason && visibleText(row.reason)) ??
                        (row.figures === undefined
                          ? "Quarantine: it has to pass first."
                          : `${
                            Math.round(row.figures.exposed * 100)
                          } % of ${row.figures.pseudonyms} people had a rare value.`)}
                      {row.state === "lifted" && row.until !== undefined && (
                        <div class="why">Judged anew {formatDistance(row.until, now)}.</div>
                      )}
                    </td>
                    <td class="nowrap">{row.since === undefined ? "" : formatDistance(row.since, now)}</td>
                    <td>
                      {isInForce(decision) && session.operator.role === "admin" && (
                        <a class="button" href={`/console/apps/${app.id}/privacy/lift/${path}`}>Lift</a>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

function Totals({ view: { totals, now } }: PrivacyProps) {
  const latest = totals.at(-1), [total] = latest?.dimensions ?? [];
  if (latest === undefined || total === undefined) return <p class="muted">Nothing is measured yet.</p>;
  const { verdict, figures, minPseudonyms } = total;
  const people = formatMany(figures.pseudonyms);
  return (
    <p>
      {verdict === "waiting"
        ? `Too few people to judge: ${people} of ${formatCount(minPseudonyms)}.`
        : `${percent(figures.exposed)} of ${people} people say what hardly another one says, surely ${
          percent(figures.exposedLeast)
        }; ${VERDICTS[verdict]}. ${formatMany(figures.sampled)} were looked at.`}{" "}
      <span class="small muted">Measured {formatDistance(latest.at, now)}.</span>
    </p>
  );
}

function Events({ view: { events, decisions, now } }: PrivacyProps) {
  const waiting = events.filter(({ fields, days }) => days.length === 0 && fields.length > 0);
  return (
    <div class="stack">
      {waiting.length > 0 && (
        <p class="muted">
          Nothing is measured yet of {waiting.map(({ event }, index) => (
            <>
              {index > 0 && ", "}
              <code>{event}</code>
            </>
          ))}.
        </p>
      )}
      {events.filter((event) => !waiting.includes(event)).map(({ event, fields, randomised, days }) => {
        const latest = days.at(-1);
        const suppressed = new Set(
          decisions.filter((decision) => decision.event === event && decision.row.state === "suppressed")
            .flatMap(({ field }) => field ?? []),
        );
        return (
          <section class="event" aria-labelledby={`risk-${event}`}>
            <div class="head">
              <h3 id={`risk-${event}`}>
                <code>{event}</code>
              </h3>
              <span class="small muted">
                {latest !== undefined && `measured ${formatDistance(latest.at, now)}`}
              </span>
            </div>
            {fields.length === 0
              ? <p class="muted">It has no field that could identify.</p>
              : days.length > 0 && (
                <>
                  <HeatMap day={latest} fields={fields} suppressed={suppressed} />
                  <details>
                    <summary>The last days</summary>
                    <HeatHistory days={days} fields={fields} today={dayOf(now)} />
                  </details>
                </>
              )}
            {randomised.length > 0 && (
              <p class="small muted">Randomised on the device, so not measured: {randomised.join(", ")}.</p>
            )}
          </section>
        );
      })}
    </div>
  );
}
