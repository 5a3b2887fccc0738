/**
 * `GET /console/apps/{app}/schema`: what an application collects, who answers for it, and until when.
 *
 * @module
 */
import type { Application } from "../../../core/config/types.ts";
import { type EventBudget, schemaBudget } from "../../../core/schema/schema_budget.ts";
import { type EventSchema, isOpen, type Suppressions } from "../../../core/schema/event.ts";
import { docOf } from "../../../core/schema/fields/docs.ts";
import type { FieldSchema } from "../../../core/schema/fields/types.ts";
import { maxValuesOf } from "../../../core/schema/local_report.ts";
import { formatCount, formatDistance, formatDuration } from "../frame/format.ts";
import { PageHead } from "../frame/layout.tsx";
import { Badge } from "../frame/parts.tsx";
import { expiryOf } from "./view.ts";

/** The page. */
export function SchemaPage({ app, suppressions, now }: {
  readonly app: Application;
  readonly suppressions: Suppressions;
  readonly now: number;
}) {
  const pseudonym = app.pseudonymSeconds === undefined
    ? "Logs carry no pseudonym."
    : `Logs carry a pseudonym that changes every ${formatDuration(app.pseudonymSeconds)}.`;
  return (
    <>
      <PageHead
        title={`What ${app.id} collects`}
        lead={`This is all of it: there is no free text, and what is not declared here is refused. ${pseudonym} ` +
          `Times are kept to ${
            formatDuration(app.granularitySeconds)
          }, raw records for ${app.retentionDays} days.`}
      >
        <a href={`/v1/apps/${app.id}/schema`}>The public document</a>
      </PageHead>
      <div class="stack">
        {Object.entries(app.events).flatMap(([name, event]) =>
          schemaBudget({ [name]: event }, app.expectedClients, app.minCrowd).map((budget) => (
            <EventPanel name={name} event={event} suppressions={suppressions} now={now} budget={budget} />
          ))
        )}
      </div>
    </>
  );
}

function EventPanel({ name, event, suppressions, now, budget }: {
  readonly name: string;
  readonly event: EventSchema;
  readonly suppressions: Suppressions;
  readonly now: number;
  readonly budget: EventBudget;
}) {
  const { endsAt, isOver, isSoon } = expiryOf(event, now);
  return (
    <section class="panel" aria-labelledby={`event-${name}`}>
      <div class="head">
        <h2 id={`event-${name}`}>
          <code>{name}</code>
        </h2>
        <span class="actions">
          {isSoon && <Badge tone="warn">expires soon</Badge>}
          {isOver
            ? <Badge tone="bad">expired</Badge>
            : isOpen(name, event, suppressions, now)
            ? <Badge tone="good">collected</Badge>
            : <Badge tone="bad">stopped</Badge>}
        </span>
      </div>
      <p>{event.description}</p>
      <div class="columns">
        <dl class="facts">
          <dt>Answers</dt>
          <dd>{event.purpose}</dd>
          <dt>Owner</dt>
          <dd>{event.owner}</dd>
          <dt>Collected until</dt>
          <dd>
            {event.expires} <span class="muted">{formatDistance(endsAt, now)}</span>
          </dd>
          {event.review !== undefined && (
            <>
              <dt>Review</dt>
              <dd>
                {isLink(event.review)
                  ? <a href={event.review} rel="noreferrer">{event.review}</a>
                  : event.review}
              </dd>
            </>
          )}
          {event.sample !== undefined && event.sample < 1 && (
            <>
              <dt>Sent by</dt>
              <dd>{Math.round(event.sample * 1000) / 10} % of clients</dd>
            </>
          )}
          <dt>Worst case</dt>
          <dd>
            {budget.bits.toFixed(1)} bits a record; {budget.crowd >= 1
              ? `some ${
                formatCount(Math.floor(budget.crowd))
              } clients share the rarest one if all are equally frequent`
              : "fewer clients than different records"}
            {budget.justification !== undefined && <div class="why muted small">{budget.justification}</div>}
          </dd>
        </dl>
        <div>
          <h3>Fields</h3>
          {Object.keys(event.fields).length === 0 ? <p class="muted">None.</p> : (
            <ul class="fields">
              {Object.entries(event.fields).map(([field, schema]) => (
                <li>
                  <code>{field}</code> <span class="muted">{describeField(schema)}</span>{" "}
                  {schema.localDp !== undefined && (
                    <Badge tone="info">
                      randomised on the device, epsilon {schema.localDp.epsilon} for each of at most{" "}
                      {maxValuesOf(schema)} values a period
                    </Badge>
                  )}
                  {suppressions.fields.has(`${name}.${field}`) && <Badge tone="bad">suppressed</Badge>}
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
    </section>
  );
}

/** A review may be a link or a name; a link that runs code is neither. */
function isLink(review: string): boolean {
  return /^https?:\/\//i.test(review);
}

/** A field's domain in words. */
function describeField(field: FieldSchema): string {
  return docOf(field).operatorWords(field) + (field.optional === true ? ", optional" : "");
}
