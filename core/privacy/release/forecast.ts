/**
 * What a question's answer will be worth, before anything is spent: how far its figures can be off, and which share of its
 * cells will be shown. It follows from the configuration alone.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import type { ReleaseQuery } from "../../config/release_types.ts";
import { eventOf } from "../../schema/event.ts";
import { spreadOf } from "../dp/local_dp_estimate.ts";
import { laplaceTail, normalTail } from "../dp/noise_tail.ts";
import { shareInterval } from "../dp/noised_sum.ts";
import { toNumber } from "../dp/rational.ts";
import { countsShownFrom, estimatesShownFrom } from "./figures.ts";
import {
  cellCount,
  estimatedField,
  momentsOf,
  type Noise,
  noiseOf,
  planOf,
  type ReleasePlan,
  selectionOf,
} from "./plan.ts";
import { CONFIDENCE, reachOf } from "./shown.ts";

/** The rate at which the interval of a rate is foretold. */
export const FORETOLD_RATE = 0.1;
/** Ranks of a long tail that are looked at one by one; of those behind, a 1/n-th of what is before stands for all. */
const RANKS = 200;

/** What is expected of an answer; reaches are of 95 % intervals. */
export interface Forecast {
  /** People who are expected to send the event: of the expected clients those who are sampled. */
  readonly people: number;
  /** Combinations of values that are counted, or that may be selected. */
  readonly cells: number;
  /** How far one figure can be off. */
  readonly reach: number;
  /** How far the sum of all cells can be off; undefined where cells are not added up. */
  readonly totalReach: number | undefined;
  /** How far a rate of a tenth can be off, where the people are spread evenly over the cells; of a rate alone. */
  readonly rateReach: number | undefined;
  /** A cell of so many people is shown with 97.5 % certainty. */
  readonly shownFrom: number;
  /** If all cells have equally many people. */
  readonly even: Kept;
  /** If the second most frequent cell has half as many people as the first, the third a third, and so on (Zipf). */
  readonly longTail: Kept;
}

/** What is expected to be shown of a distribution. */
export interface Kept {
  /** The share of the cells: the mean of their probabilities. */
  readonly cells: number;
  /** The share of the people who are in them. */
  readonly people: number;
}

/** Foretells the answer to a question of a checked configuration. */
export function forecast(app: Application, query: ReleaseQuery): Forecast {
  const event = eventOf(app, query.event);
  const plan = planOf(app, query);
  const people = Math.round(app.expectedClients * (event.sample ?? 1));
  const estimated = estimatedField(plan, event);
  const cells = estimated?.mechanism.domainSize ?? cellCount(event, plan.by);
  const noise = noiseOf(plan);
  const moments = momentsOf(noise);
  const size = people / cells;
  const worth = estimated === undefined
    ? { reach: reachOf(noise, 1), shown: countShown(plan, noise, cells) }
    : estimateWorth(plan.threshold, noise, { mechanism: estimated.mechanism, reports: people });
  const evenly = worth.shown(Math.round(size));
  return {
    people,
    cells,
    reach: worth.reach,
    totalReach: estimated === undefined
      ? reachOf(noise, plan.among === undefined ? cells : 2 * cells)
      : undefined,
    rateReach: plan.among === undefined ? undefined : rateReach(size, moments),
    shownFrom: leastWith((1 + CONFIDENCE) / 2, worth.shown),
    even: { cells: evenly, people: evenly },
    longTail: keptOfLongTail(people, cells, worth.shown),
  };
}

/** The probability that a cell of so many people is shown: that it is selected, and that noise leaves it where it is. */
type Shown = (people: number) => number;

function countShown(plan: ReleasePlan, noise: Noise, cells: number): Shown {
  const line = countsShownFrom(plan, noise, cells);
  const draws = plan.among === undefined ? 1 : 2;
  const reaches = noise.kind === "laplace"
    ? (least: number) => laplaceTail(noise.scale, draws, least)
    : (least: number) => normalTail((least - 0.5) / Math.sqrt(draws * toNumber(noise.variance)));
  const selection = plan.cells === "selected" ? selectionOf(plan) : undefined;
  return (people) => (selection?.keepProbability(people) ?? 1) * reaches(line - people);
}

/** How far the estimate of an even cell can be off, and the probability that one is shown. */
function estimateWorth(
  threshold: number,
  noise: Noise,
  from: Parameters<typeof estimatesShownFrom>[2],
): { reach: number; shown: Shown } {
  const { mechanism, reports } = from;
  const line = estimatesShownFrom(threshold, noise, from);
  const spread = (count: number) =>
    spreadOf(mechanism, {
      count,
      reports,
      confidence: CONFIDENCE,
      noiseVariance: momentsOf(noise).variance,
    });
  const even = reports / mechanism.domainSize;
  return {
    reach: Math.ceil(spread(even).interval.upper - even),
    shown: (people) => normalTail((line - 0.5 - people) / spread(people).standardDeviation),
  };
}

/** The least number of people with which a cell is shown with such a probability. */
function leastWith(probability: number, shown: Shown): number {
  let [below, people] = [0, 1];
  while (shown(people) < probability) [below, people] = [people, 2 * people];
  while (people - below > 1) {
    const middle = Math.floor((below + people) / 2);
    if (shown(middle) >= probability) people = middle;
    else below = middle;
  }
  return people;
}

function rateReach(size: number, moments: ReturnType<typeof momentsOf>): number {
  const having = { sum: FORETOLD_RATE * size, draws: 1, unseen: 0 };
  const others = { sum: size - having.sum, draws: 1, unseen: 0 };
  const { lower, upper } = shareInterval(having, others, moments, CONFIDENCE);
  return (upper - lower) / 2;
}

function keptOfLongTail(people: number, cells: number, shown: Shown): Kept {
  let [all, keptCells, keptPeople] = [0, 0, 0];
  const ranks = [...ranksOf(cells)];
  for (const { rank, width } of ranks) all += width / rank;
  for (const { rank, width } of ranks) {
    const probability = shown(Math.round(people / (all * rank)));
    keptCells += width * probability;
    keptPeople += width / rank * probability;
  }
  return { cells: keptCells / cells, people: keptPeople / all };
}

/** The ranks 1..cells, each for itself at first and then in wider and wider steps, by their middle. */
function* ranksOf(cells: number): Generator<{ readonly rank: number; readonly width: number }> {
  for (let from = 1; from <= cells;) {
    const width = Math.min(Math.max(1, Math.floor(from / RANKS)), cells + 1 - from);
    yield { rank: from + (width - 1) / 2, width };
    from += width;
  }
}
