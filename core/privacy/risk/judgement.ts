/**
 * When values single people out: thresholds with their defaults, and the verdict on one sketch.
 *
 * Two shares decide together. The share of *values* that are rare is the re-identification potential of the paper; it
 * alone would condemn every field with a long tail, since in most real distributions half of the distinct values are
 * rare however many people there are. The share of *people* who have a rare value says whether it is a tail.
 *
 * @module
 */
import type { EventSchema, RiskAction, RiskThresholds } from "../../schema/event.ts";
import type { KHyperLogLog } from "../sketch/khll.ts";
import type { Dimension } from "./dimensions.ts";
import { wilsonInterval } from "../dp/wilson.ts";

/** Thresholds with their defaults filled in. */
export interface Thresholds extends Required<RiskThresholds> {
  /** What follows, spelled out. */
  readonly action: RiskAction;
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
  /** What the share of all values surely is not below: Wilson's lower bound at 99 %. */
  readonly lowerBound: number;
  /** The share of the people who have a rare value, estimated. */
  readonly exposed: number;
}

/** `waiting`: there are too few pseudonyms to judge. */
export type Verdict = "waiting" | "passed" | "warn" | "stop";

/** Confidence of the interval whose lower end stops a collection. */
const CONFIDENCE = 0.99;
/** A value's crowd is judged from this many pseudonyms a value of the domain on, in units of `rarePseudonyms`. */
const CROWDING = 2;
/** The share of the expected clients that is enough to judge any domain. */
const ENOUGH_CLIENTS = 5;
/** Pseudonyms from which small domains are judged, where many clients are expected, and at least. */
const FEW = 1_000;
const FEWEST = 50;

/** The thresholds of a dimension: the field's own before the event's before the application's before the defaults. */
export function thresholdsOf(
  app: { readonly risk: RiskThresholds; readonly expectedClients: number },
  event: EventSchema,
  dimension: Dimension,
): Thresholds {
  const isField = dimension.fields.length === 1;
  const own = isField ? event.risk?.fields?.[dimension.name] : undefined;
  const chosen = { ...app.risk, ...event.risk, ...own };
  const rarePseudonyms = chosen.rarePseudonyms ?? 2;
  const stopShare = chosen.stopShare ?? 0.5;
  const stopExposed = chosen.stopExposed ?? 0.2;
  const enough = app.expectedClients / ENOUGH_CLIENTS;
  const crowded = Math.min(CROWDING * rarePseudonyms * dimension.domainSize, enough);
  const few = Math.min(FEW, Math.max(FEWEST, enough));
  return {
    rarePseudonyms,
    stopShare,
    warnShare: Math.min(chosen.warnShare ?? 0.25, stopShare),
    stopExposed,
    warnExposed: Math.min(chosen.warnExposed ?? 0.05, stopExposed),
    minPseudonyms: chosen.minPseudonyms ?? Math.ceil(Math.max(few, crowded)),
    action: chosen.action ?? (isField ? "suppress-field" : "stop-event"),
  };
}

/** Judges one dimension from its sketch and from how many pseudonyms sent its event. */
export function judge(
  sketch: KHyperLogLog,
  pseudonyms: number,
  thresholds: Thresholds,
): { verdict: Verdict; figures: RiskFigures } {
  const { matching: rare, sampled } = sketch.reidentificationPotential(thresholds.rarePseudonyms);
  const values = sketch.cardinality();
  const figures: RiskFigures = {
    pseudonyms,
    values: Math.round(values),
    sampled,
    rare,
    share: sampled === 0 ? 0 : rare / sampled,
    lowerBound: wilsonInterval(rare, sampled, CONFIDENCE).lower,
    exposed: exposed(sketch, values, pseudonyms, thresholds.rarePseudonyms),
  };
  return { verdict: verdictOn(figures, thresholds), figures };
}

function verdictOn({ pseudonyms, share, lowerBound, exposed }: RiskFigures, limits: Thresholds): Verdict {
  if (pseudonyms < limits.minPseudonyms) return "waiting";
  if (lowerBound >= limits.stopShare && exposed >= limits.stopExposed) return "stop";
  return share >= limits.warnShare && exposed >= limits.warnExposed ? "warn" : "passed";
}

/**
 * The sample's pairs of a rare value and a pseudonym, raised to all values, over all pseudonyms. Every rare value counts
 * for a few pseudonyms only, so that the estimate has no heavy tail, as one over the sample's own pseudonyms would have:
 * whether a value that most people have is in the sample is a matter of luck.
 */
function exposed(sketch: KHyperLogLog, values: number, pseudonyms: number, rarePseudonyms: number): number {
  if (sketch.size === 0 || pseudonyms === 0) return 0;
  let pairs = 0;
  for (let index = 0; index < sketch.size; index++) {
    const seen = sketch.pseudonymsAt(index);
    if (seen.hasAtMost(rarePseudonyms)) pairs += seen.cardinality();
  }
  return Math.min(1, pairs * (values / sketch.size) / pseudonyms);
}
