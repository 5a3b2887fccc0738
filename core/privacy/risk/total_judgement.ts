/**
 * Whether what pseudonyms say in total singles them out: all events of all their logs of a period, with fields and hours.
 * An id in pieces, each of which many share, is seen here and nowhere else.
 *
 * As long as all pseudonyms are kept, this is counting. Of more there is a sample of pseudonyms, in which a total may be
 * the only one of its kind though others in the population have it. Two estimates, both from how many pseudonyms of the
 * sample are alone with their total and how many are two: crowds as a gamma mixture (the Poisson-gamma model of Bethlehem,
 * Keller and Pannekoek, JASA 85, 1990) for what is likely, and for what is sure (99 %) that whoever stands in a crowd of
 * more than r is seen beside another one at least r q / (1 - q) times as often as alone, q being the share sampled.
 *
 * @module
 */
import type { TotalThresholds } from "../../schema/event.ts";
import { normalReach } from "../dp/interval.ts";
import { wilsonInterval } from "../dp/wilson.ts";
import type { DigestSample } from "../sketch/digest_sample.ts";
import { missedClasses } from "./exposure.ts";
import { enoughPseudonyms, type JudgedApplication, type RiskFigures, type Verdict } from "./judgement.ts";
import { accountPseudonyms, CONFIDENCE, ratio } from "./judgement.ts";

/** Later than events are judged, whose sketches count to a few percent: one that explains it is found first. */
const LATER = 1.1;

/** Thresholds with their defaults filled in. */
export interface JudgedTotalThresholds extends Required<TotalThresholds> {
  /** As how many pseudonyms one account may come within a period. */
  readonly accountPseudonyms: number;
}

/** What a sample of totals says. */
export interface TotalJudgement {
  /** Its thresholds. */
  readonly thresholds: JudgedTotalThresholds;
  /** What it comes to. */
  readonly verdict: Verdict;
  /** The figures: values are totals, and `sampled` and `rare` are pseudonyms. */
  readonly figures: RiskFigures;
}

/** The thresholds of an application's totals: its own before the defaults. */
export function totalThresholdsOf(app: JudgedApplication): JudgedTotalThresholds {
  const chosen = app.risk.total ?? {};
  const stopExposed = chosen.stopExposed ?? 0.8;
  return {
    rarePseudonyms: chosen.rarePseudonyms ?? 2,
    stopExposed,
    warnExposed: Math.min(chosen.warnExposed ?? 0.5, stopExposed),
    minPseudonyms: chosen.minPseudonyms ?? Math.ceil(LATER * enoughPseudonyms(app)),
    action: chosen.action ?? "warn",
    accountPseudonyms: accountPseudonyms(app),
  };
}

/** Judges what an application's pseudonyms say in total. */
export function judgeTotals(sample: DigestSample, app: JudgedApplication): TotalJudgement {
  const thresholds = totalThresholdsOf(app);
  const crowds = crowdsOf(sample);
  const { likely, least } = sample.level === 0
    ? counted(crowds, thresholds.rarePseudonyms)
    : estimated(crowds, thresholds.rarePseudonyms, 2 ** -sample.level);
  const pseudonyms = sample.size * 2 ** sample.level;
  const account = thresholds.accountPseudonyms;
  const withoutAccount = (share: number) => ratio(share * pseudonyms - account, pseudonyms - account);
  const figures: RiskFigures = {
    pseudonyms,
    values: Math.round(crowds.distinct + missedTotals(crowds, sample.level)),
    sampled: sample.size,
    rare: Math.round(likely * sample.size),
    share: likely,
    lowerBound: withoutAccount(least),
    exposed: likely,
    exposedLeast: withoutAccount(least),
  };
  return { thresholds, figures, verdict: verdictOn(figures, withoutAccount(likely), thresholds) };
}

function verdictOn(
  { pseudonyms, exposedLeast }: RiskFigures,
  likely: number,
  limits: JudgedTotalThresholds,
): Verdict {
  if (pseudonyms < limits.minPseudonyms) return "waiting";
  if (exposedLeast >= limits.stopExposed) return "stop";
  return likely >= limits.warnExposed ? "warn" : "passed";
}

/** How many pseudonyms of a sample have the same total. */
interface Crowds {
  /** Pseudonyms. */
  readonly size: number;
  /** Different totals. */
  readonly distinct: number;
  /** How many totals so many pseudonyms have, by that number. */
  readonly bySize: ReadonlyMap<number, number>;
}

function crowdsOf(sample: DigestSample): Crowds {
  const crowds = new Map<number, number>();
  for (const sum of sample.sums()) crowds.set(sum, (crowds.get(sum) ?? 0) + 1);
  const bySize = new Map<number, number>();
  for (const size of crowds.values()) bySize.set(size, (bySize.get(size) ?? 0) + 1);
  return { size: sample.size, distinct: crowds.size, bySize };
}

/** Shares of the pseudonyms that have a rare total. */
interface Shares {
  /** As it is likely. */
  readonly likely: number;
  /** As it surely is. */
  readonly least: number;
}

function counted({ size, bySize }: Crowds, rarePseudonyms: number): Shares {
  let rare = 0;
  for (const [crowd, totals] of bySize) if (crowd <= rarePseudonyms) rare += crowd * totals;
  const share = ratio(rare, size);
  return { likely: share, least: share };
}

function estimated({ size, bySize }: Crowds, rarePseudonyms: number, fraction: number): Shares {
  const once = bySize.get(1) ?? 0, twice = bySize.get(2) ?? 0;
  if (once === 0) return { likely: 0, least: 0 };
  const alone = once / size, paired = 2 * twice / size;
  const reach = normalReach(CONFIDENCE);
  // The upper end of a Poisson count (score interval).
  const mostTwice = twice + reach ** 2 / 2 + reach * Math.sqrt(twice + reach ** 2 / 4);
  const notRare = (2 * mostTwice / once) / (rarePseudonyms * fraction / (1 - fraction));
  return {
    likely: mixture({ alone, paired, rarePseudonyms, fraction }),
    least: wilsonInterval(once, size, CONFIDENCE).lower * Math.max(0, 1 - notRare),
  };
}

/**
 * The share of a population in crowds of at most r: the number of others in the crowd of a pseudonym is a Poisson variable
 * whose mean has a gamma distribution (shape a, mean m), in the sample with mean q m, which the shares of those alone and
 * of those who are two determine.
 */
function mixture({ alone, paired, rarePseudonyms, fraction }: {
  readonly alone: number;
  readonly paired: number;
  readonly rarePseudonyms: number;
  readonly fraction: number;
}): number {
  if (paired === 0) return alone;
  // (1 + x)^-a = alone and a x / (1 + x) = paired / alone, x = q m / a: one equation for x, which rises.
  const target = -Math.log(alone) * alone / paired;
  let low = -20, high = 60;
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2, x = Math.exp(middle);
    if (Math.log1p(x) * (1 + x) / x < target) low = middle;
    else high = middle;
  }
  const x = Math.exp(low);
  const shape = paired / alone * (1 + x) / x;
  const scale = x / fraction;
  let term = Math.exp(-shape * Math.log1p(scale)), share = 0;
  for (let others = 0; others < rarePseudonyms; others++) {
    share += term;
    term *= (others + shape) / (others + 1) * scale / (1 + scale);
  }
  // More are not rare than were alone in the sample, but for those who were there with all that share their total.
  return Math.min(alone + paired, share);
}

function missedTotals({ bySize }: Crowds, level: number): number {
  const once = bySize.get(1) ?? 0, twice = bySize.get(2) ?? 0;
  return missedClasses({ once, twice, fraction: 2 ** -level });
}
