/**
 * What the risk monitor tells people, each with the figures that caused it. An alert is a row, written once by whichever
 * process finds it first, in the commit of the decision that it is about; whether the webhook has taken it stands in the
 * same row, so that a restart forgets no delivery.
 *
 * @module
 */
import { ALERTS } from "./families.ts";
import type { Entry } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import type { SweepPace } from "../../store/sweep.ts";
import type { RiskAction } from "../../schema/event.ts";
import { ALL_EVENTS } from "./suppressions.ts";
import type { KeptFigures } from "./judgement.ts";

/** `warn`: a threshold is near. `stop`: it is crossed. `lifted`: a person took a stop back. `passed`: out of quarantine. */
export type AlertKind = "warn" | "stop" | "lifted" | "passed";

/** What becomes of an alert outside. */
export interface Delivery {
  /** `none`: there is no webhook. `failed`: it was tried too often. */
  readonly state: "none" | "pending" | "sent" | "failed";
  /** How often it was tried. */
  readonly tries: number;
  /** Unix seconds before which it is not tried again. */
  readonly dueAt: number;
}

/** An alert as it is stored. */
export interface AlertRow {
  /** Random: shows a process, when it reads the row again, that the alert is its own. */
  readonly id: string;
  /** What kind it is. */
  readonly kind: AlertKind;
  /** The application's id. */
  readonly app: string;
  /** The event's name; `ALL` of what pseudonyms say in total. */
  readonly event: string;
  /** The field or fields that it is about; none: the event as a whole. */
  readonly fields: readonly string[];
  /** What followed; absent where nothing did. */
  readonly action?: RiskAction;
  /** The field that is suppressed. */
  readonly suppressed?: string;
  /** Unix seconds. */
  readonly at: number;
  /** What was measured. */
  readonly figures?: KeptFigures;
  /** Why a person lifted a stop. */
  readonly reason?: string;
  /** What becomes of it outside. */
  readonly delivery: Delivery;
}

/** Seconds that alerts are kept. */
const KEPT_SECONDS = 400 * 86_400;
/** Seconds before the second try of a delivery, doubled for each one more. */
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 6 * 3_600;
/** Some three days in all. */
const MAX_TRIES = 20;

/** An alert's delivery when it is raised. */
export function firstDelivery(hasWebhook: boolean, nowSeconds: number): Delivery {
  return { state: hasWebhook ? "pending" : "none", tries: 0, dueAt: nowSeconds };
}

/** An application's alerts, the newest first. */
export async function readAlerts(store: Store, app: string): Promise<AlertRow[]> {
  const rows = await Array.fromAsync(store.list<AlertRow>(ALERTS.prefix(app)));
  return rows.map(({ value }) => value).sort((a, b) => b.at - a.at);
}

/**
 * Delivers what is due. `send` gives whether the alert was taken; it may be sent twice when a process ends in between.
 * Each try is entered before it is made, so that of several processes one makes it.
 */
export async function deliverAlerts(
  store: Store,
  nowSeconds: number,
  send: (alert: AlertRow) => Promise<boolean>,
): Promise<{ sent: number; failed: number }> {
  const count = { sent: 0, failed: 0 };
  for await (const row of store.list<AlertRow>(ALERTS.all())) {
    const { delivery } = row.value;
    if (delivery.state !== "pending" || nowSeconds < delivery.dueAt) continue;
    const tries = delivery.tries + 1;
    const wait = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** delivery.tries);
    const isLast = tries === MAX_TRIES;
    const tried: Delivery = {
      state: isLast ? "failed" : "pending",
      tries,
      dueAt: nowSeconds + wait,
    };
    const stamp = await setDelivery(store, row, tried);
    if (stamp === undefined) continue;
    if (await send(row.value)) {
      await setDelivery(store, { ...row, stamp }, { ...tried, state: "sent" });
      count.sent++;
      continue;
    }
    if (isLast) count.failed++;
    // What does not answer one is not asked to take the others, each of which might hang as long.
    break;
  }
  return count;
}

function setDelivery(
  store: Store,
  { key, value, stamp }: Entry<AlertRow>,
  delivery: Delivery,
): Promise<string | undefined> {
  return store.commit((commit) =>
    commit.check({ key, stamp }).set(key, { ...value, delivery } satisfies AlertRow)
  );
}

/** Removes alerts of more than 400 days ago. Gives how many. */
export async function sweepAlerts(store: Store, nowSeconds: number, pace: SweepPace): Promise<number> {
  return await store.sweep<AlertRow>(
    ALERTS.all(),
    pace,
    ({ value }) => value.at + KEPT_SECONDS <= nowSeconds,
  );
}

/** One sentence for people; no value of any field is in it. */
export function alertText(alert: AlertRow): string {
  const { kind, app, event, fields, action, suppressed, figures, reason } = alert;
  if (event === ALL_EVENTS) return totalText(alert);
  const what = fields.length === 0 ? event : `${event} (${fields.join(" + ")})`;
  if (kind === "lifted") return `${app}: the stop of ${what} was lifted: ${reason}`;
  if (kind === "passed") return `${app}: ${what} has passed and leaves quarantine${measured(figures)}.`;
  const consequence = kind === "warn"
    ? "comes near to singling people out"
    : action === "warn"
    ? "singles people out; nothing is stopped, as configured"
    : action === "suppress-field"
    ? `singles people out: ${suppressed} is not collected any more`
    : action === "quarantine"
    ? "singles people out: it is withheld from export and release"
    : "singles people out: it is not collected any more";
  return `${app}: ${what} ${consequence}${measured(figures)}.`;
}

function totalText({ kind, app, action, figures, reason }: AlertRow): string {
  if (kind === "lifted") return `${app}: the stop of all events was lifted: ${reason}`;
  const consequence = kind === "warn"
    ? "comes near to singling people out"
    : action === "stop-event"
    ? "singles people out: no event is collected any more"
    : "singles people out; nothing is stopped, as configured";
  const percent = (share = 0) => `${Math.round(100 * share)} %`;
  const told = figures === undefined
    ? ""
    : ` (${percent(figures.exposed)} of ${figures.pseudonyms} pseudonyms, ` +
      `surely ${
        percent(figures.exposedLeast)
      }, say what hardly another one says; ${figures.sampled} were looked at)`;
  return `${app}: what a pseudonym says in total, in all of its logs of a period, ${consequence}${told}. ` +
    "It may be the mere amount and the hours of what lively clients send: in many applications that alone is enough. " +
    "Or it is a value that is sent in pieces: in several events, by their kinds, their number, or their hours. " +
    "The figures do not tell which: look at the events (docs/privacy.md).";
}

function measured(figures: KeptFigures | undefined): string {
  if (figures === undefined) return "";
  const { pseudonyms, sampled, rare, lowerBound, exposed, exposedLeast } = figures;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  // An alert of before has no such figure.
  const surely = exposedLeast === undefined ? "" : `, surely ${percent(exposedLeast)}`;
  return ` (of ${sampled} values looked at ${rare} are rare, surely ${percent(lowerBound)} of all; ` +
    `${percent(exposed)} of ${pseudonyms} pseudonyms have a rare one${surely})`;
}
