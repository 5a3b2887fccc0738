/**
 * An alert and the decision that it is about, written in one commit: of many processes that see the same, one raises it.
 *
 * @module
 */
import { toBase64url } from "../../base/bytes.ts";
import type { RandomSource } from "../../base/random.ts";
import type { Application } from "../../config/types.ts";
import type { Commit } from "../../store/commit.ts";
import type { Key } from "../../store/port.ts";
import type { Store } from "../../store/store.ts";
import { type AlertKind, type AlertRow, firstDelivery } from "./alerts.ts";

/** A commit that fails though no alert is there met another decision; the one after it sees what holds. */
const MAX_TRIES = 3;

/** When a decision is made. */
export interface DecisionContext {
  /** The pseudonym period of the sketches. */
  readonly period: number;
  /** Its end, Unix seconds. */
  readonly periodEnd: number;
  /** Whether alerts go to a webhook. */
  readonly hasWebhook: boolean;
  /** Unix seconds. */
  readonly nowSeconds: number;
  /** Names alerts. */
  readonly random: RandomSource;
}

/** An alert that is raised now. */
export function newAlert(
  kind: AlertKind,
  { app, event }: { readonly app: Application; readonly event: string },
  { nowSeconds, hasWebhook, random }: DecisionContext,
): AlertRow {
  return {
    id: toBase64url(random(12)),
    kind,
    app: app.id,
    event,
    fields: [],
    at: nowSeconds,
    delivery: firstDelivery(hasWebhook, nowSeconds),
  };
}

/**
 * Writes an alert that is not there yet, and the decision that belongs to it. `decide` reads what is decided already and
 * gives what to write under a check of it, or undefined when that holds. Gives whether it was this one that got there.
 */
export async function raise(
  store: Store,
  { key, alert }: { readonly key: Key; readonly alert: AlertRow },
  decide: () => Promise<((commit: Commit) => void) | undefined>,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const enterDecision = await decide();
    if (enterDecision === undefined) return false;
    const done = await store.commit((commit) => {
      enterDecision(commit.check({ key, stamp: null }).set(key, alert));
    });
    if (done !== undefined) return true;
    // A write that the store's client sent twice finds itself there and says no.
    const present = (await store.get<AlertRow>(key)).value;
    if (present !== null) return present.id === alert.id;
  }
  return false;
}
