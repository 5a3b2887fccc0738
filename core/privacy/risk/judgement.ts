/**
 * When values single people out: thresholds with their defaults, and the verdict on one sketch.
 *
 * Two shares decide together. The share of *values* that are rare is the re-identification potential of the paper; it
 * alone would condemn every field with a long tail, since in most real distributions half of the distinct values are
 * rare however many people there are. The share of *people* who have a rare value says whether it is a tail.
 *
 * No account may decide alone: before anything follows, the pseudonyms that one account can come as are taken out of both
 * shares, whichever own the most.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import type { EventSchema, RiskAction, RiskThresholds } from "../../schema/event.ts";
import type { KHyperLogLog } from "../sketch/khll.ts";
import type { Dimension } from "./dimensions.ts";
import { wilsonInterval } from "../dp/wilson.ts";
import { exposureOf, ownersOfRare } from "./exposure.ts";

/** Thresholds with their defaults filled in. */
export interface Thresholds extends Required<RiskThresholds> {
  /** What follows, spelled out. */
  readonly action: RiskAction;
  /** Pseudonyms before which nobody is warned: a harmless domain looks rare until its crowds have come. */
  readonly warnPseudonyms: number;
  /** As how many pseudonyms one account may come within a period: so many are never held against anything. */
  readonly accountPseudonyms: number;
}

/** What a sketch says. None of it is about any one value. */
export interface RiskFigures {
  /** Distinct pseudonyms that sent the event in this period. */
  readonly pseudonyms: number;
  /** Distinct values, estimated. */
  readonly values: number;
  /** Values that were looked at, a uniform sample of them. */
  readonly sampled: number;
  /** Those of them that are rare. */
  readonly rare: number;
  /** `rare / sampled`: the re-identification potential. */
  readonly share: number;
  /** What the share of all values surely is not below, leave out whichever account: Wilson's lower bound at 99 %. */
  readonly lowerBound: number;
  /** The share of the people who have a rare value, estimated. */
  readonly exposed: number;
  /** What that share surely is not below (99 %), leave out whichever account. */
  readonly exposedLeast: number;
}

/** Figures as decisions and alerts keep them: those of before had no lower bound for people. */
export type KeptFigures = Omit<RiskFigures, "exposedLeast"> & Partial<Pick<RiskFigures, "exposedLeast">>;

/** `waiting`: there are too few pseudonyms to judge. */
export type Verdict = "waiting" | "passed" | "warn" | "stop";

/** Confidence of the intervals whose lower ends stop a collection. */
export const CONFIDENCE = 0.99;
/** A value's crowd is judged from this many pseudonyms a value of the domain on, in units of `rarePseudonyms`. */
const CROWDING = 2;
/** The share of the expected clients that is enough to judge any domain. */
const ENOUGH_CLIENTS = 5;
/** Pseudonyms from which small domains are judged, where many clients are expected, and at least. */
const FEW = 1_000;
const FEWEST = 50;

/** What the thresholds of an application follow from. */
export type JudgedApplication =
  & Pick<
    Application,
    "risk" | "expectedClients" | "minCrowd" | "tokensPerClient" | "epochSeconds"
  >
  & { readonly pseudonymSeconds?: number | undefined };

/** A token is for one pseudonym, and counts in the period in which its key's epoch begins. */
export function accountPseudonyms(app: JudgedApplication): number {
  return app.tokensPerClient * Math.ceil((app.pseudonymSeconds ?? 0) / app.epochSeconds);
}

/** Pseudonyms that are enough to judge whatever is crowded from `crowded` on: a fifth of the expected clients at most. */
export function enoughPseudonyms(app: JudgedApplication, crowded = Infinity): number {
  const enough = app.expectedClients / ENOUGH_CLIENTS;
  return Math.ceil(Math.max(Math.min(FEW, Math.max(FEWEST, enough)), Math.min(crowded, enough)));
}

/** The thresholds of a dimension: the field's own before the event's before the application's before the defaults. */
export function thresholdsOf(
  app: JudgedApplication,
  event: EventSchema,
  dimension: Dimension,
): Thresholds {
  const isField = dimension.fields.length === 1;
  const own = isField ? event.risk?.fields?.[dimension.name] : undefined;
  const chosen = { ...app.risk, ...event.risk, ...own };
  const rarePseudonyms = chosen.rarePseudonyms ?? 2;
  const stopShare = chosen.stopShare ?? 0.5;
  const stopExposed = chosen.stopExposed ?? 0.2;
  const crowded = CROWDING * rarePseudonyms * dimension.domainSize;
  const minPseudonyms = chosen.minPseudonyms ?? enoughPseudonyms(app, crowded);
  const harmless = Math.min(app.minCrowd * dimension.domainSize, app.expectedClients);
  return {
    rarePseudonyms,
    stopShare,
    warnShare: Math.min(chosen.warnShare ?? 0.25, stopShare),
    stopExposed,
    warnExposed: Math.min(chosen.warnExposed ?? 0.05, stopExposed),
    minPseudonyms,
    warnPseudonyms: chosen.minPseudonyms ?? Math.max(minPseudonyms, harmless),
    accountPseudonyms: accountPseudonyms(app),
    action: chosen.action ?? (isField ? "suppress-field" : "stop-event"),
  };
}

/** Judges one dimension from its sketch and from how many pseudonyms sent its event. */
export function judge(
  sketch: KHyperLogLog,
  pseudonyms: number,
  thresholds: Thresholds,
): { verdict: Verdict; figures: RiskFigures } {
  const { rarePseudonyms, accountPseudonyms } = thresholds;
  const owners = ownersOfRare(sketch, rarePseudonyms);
  const all = exposureOf(owners, 0), others = exposureOf(owners, accountPseudonyms);
  const figures: RiskFigures = {
    pseudonyms,
    values: Math.round(sketch.cardinality()),
    sampled: owners.sampled,
    rare: owners.rare,
    share: ratio(owners.rare, owners.sampled),
    lowerBound: wilsonInterval(others.rare, others.sampled, CONFIDENCE).lower,
    exposed: ratio(all.people, pseudonyms),
    exposedLeast: ratio(others.least, pseudonyms - accountPseudonyms),
  };
  const typical = {
    share: ratio(others.rare, others.sampled),
    exposed: ratio(others.people, pseudonyms - accountPseudonyms),
  };
  return { verdict: verdictOn(figures, typical, thresholds), figures };
}

/** `typical` are the estimates without whatever one account can have caused. */
function verdictOn(
  { pseudonyms, lowerBound, exposedLeast }: RiskFigures,
  typical: { readonly share: number; readonly exposed: number },
  limits: Thresholds,
): Verdict {
  if (pseudonyms < limits.minPseudonyms) return "waiting";
  if (lowerBound >= limits.stopShare && exposedLeast >= limits.stopExposed) return "stop";
  if (pseudonyms < limits.warnPseudonyms) return "passed";
  return typical.share >= limits.warnShare && typical.exposed >= limits.warnExposed ? "warn" : "passed";
}

/** A share, 0..1: 0 of nothing. */
export function ratio(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.max(0, Math.min(1, part / whole));
}
