/**
 * What the risk monitor has decided, as rows that every process reads: stops, their lifting, and events that have passed
 * their quarantine.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import { DECISIONS } from "./families.ts";
import type { Store } from "../../store/store.ts";
import type { EventSchema, Suppressions } from "../../schema/event.ts";
import type { KeptFigures } from "./judgement.ts";

/** A decision about an event or a field. */
export interface RiskRow {
  /**
   * `suppressed`: the field is not collected. `stopped`: the event is not. `quarantined`: the event is withheld.
   * `passed`: it is withheld no more. `lifted`: a person took one of the first three back.
   */
  readonly state: "suppressed" | "stopped" | "quarantined" | "passed" | "lifted";
  /** Unix seconds of the decision. */
  readonly since: number;
  /** Of `passed` and `lifted`: Unix seconds up to which nothing is stopped again. */
  readonly until: number;
  /** The layout that was judged: one with other fields has to pass anew. */
  readonly layout: string;
  /** What caused the decision of the monitor. */
  readonly figures?: KeptFigures;
  /** Why a person made it. */
  readonly reason?: string;
}

/** An application's decisions. */
export interface Risks {
  /** What is not collected. */
  readonly suppressions: Suppressions;
  /** The decisions about events by name, and about fields by `event.field`. */
  readonly rows: ReadonlyMap<string, RiskRow>;
}

/** Stands for an event where a decision is about all that a pseudonym says; no event can have this name. */
export const ALL_EVENTS = "ALL";

/** The name of a decision: that of the event, or `event.field`. */
export function riskName(event: string, field = ""): string {
  return field === "" ? event : `${event}.${field}`;
}

/** Reads what was decided about an application. */
export async function readRisks(
  store: Store,
  { id: app, events: declared }: Pick<Application, "id" | "events">,
): Promise<Risks> {
  const rows = new Map<string, RiskRow>();
  const events = new Set<string>();
  const fields = new Set<string>();
  for await (const { key, value } of store.list<RiskRow>(DECISIONS.prefix(app))) {
    const name = riskName(key[2] as string, key[3] as string);
    rows.set(name, value);
    if (value.state === "stopped") events.add(name);
    if (value.state === "suppressed") fields.add(name);
  }
  if (events.delete(ALL_EVENTS)) { for (const name of Object.keys(declared)) events.add(name); }
  return { suppressions: { events, fields }, rows };
}

/** Whether anything of an event may be put into quarantine. */
export function isQuarantined(app: Application, event: EventSchema): boolean {
  return (event.risk?.action ?? app.risk.action) === "quarantine";
}

/**
 * Names of the events that export and release leave out: those in quarantine that have not passed with the fields that
 * they have now, and those that were put there.
 */
export function withheldEvents(
  app: Application,
  { rows }: Risks,
  layoutIdOf: (event: string) => string | undefined,
): ReadonlySet<string> {
  const withheld = new Set<string>();
  for (const [name, event] of Object.entries(app.events)) {
    if (!isQuarantined(app, event)) continue;
    const row = rows.get(name);
    const hasPassed = row !== undefined && (row.state === "passed" || row.state === "lifted") &&
      row.layout === layoutIdOf(name);
    // An event without a measured field says nothing that could be rare.
    if (!hasPassed && layoutIdOf(name) !== undefined) withheld.add(name);
  }
  return withheld;
}
