/**
 * What a question's answer will be worth, before anything is spent: how far its figures can be off, and how many of its
 * cells enough people have to be shown. It follows from the configuration alone.
 *
 * @module
 */
import type { Application } from "../../config/types.ts";
import type { ReleaseQuery } from "../../config/release_types.ts";
import { eventOf } from "../../schema/event.ts";
import { estimateFrequencies } from "../dp/local_dp_estimate.ts";
import { sumReach } from "../dp/noise_sum.ts";
import { shareInterval } from "../dp/noised_sum.ts";
import { CONFIDENCE, halfWidth } from "./figures.ts";
import {
  cellCount,
  estimatedField,
  momentsOf,
  noiseOf,
  planOf,
  type ReleasePlan,
  selectionOf,
} from "./plan.ts";

/** The rate at which the interval of a rate is foretold. */
export const FORETOLD_RATE = 0.1;
/** Euler and Mascheroni's constant: what the harmonic numbers are above the logarithm. */
const EULER = 0.5772156649015329;

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

/** What is shown of a distribution. */
export interface Kept {
  /** The share of the cells. */
  readonly cells: number;
  /** The share of the people, who are in them. */
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
  const reachOf = (draws: number) =>
    draws === 1 ? halfWidth(noise) : Math.floor(sumReach(moments, [{ weight: 1, draws }], CONFIDENCE));
  const drawsOfCell = plan.among === undefined ? 1 : 2;
  let reach = reachOf(1);
  if (estimated !== undefined) {
    const { mechanism } = estimated;
    const histogram = new Array<number>(mechanism.reportCount).fill(people / mechanism.reportCount);
    const [first] = estimateFrequencies(mechanism, histogram, CONFIDENCE, moments.variance);
    reach = first === undefined ? Infinity : Math.ceil(first.interval.upper - first.count);
  }
  const sizeReach = estimated === undefined ? reachOf(drawsOfCell) : reach;
  const shownFrom = Math.max(1, plan.threshold + sizeReach, surelySelectedFrom(plan));
  const size = people / cells;
  return {
    people,
    cells,
    reach,
    totalReach: estimated === undefined ? reachOf(cells * drawsOfCell) : undefined,
    rateReach: plan.among === undefined ? undefined : rateReach(size, moments),
    shownFrom,
    even: size >= shownFrom ? { cells: 1, people: 1 } : { cells: 0, people: 0 },
    longTail: keptOfLongTail(people, cells, shownFrom),
  };
}

/** From how many people on a cell is selected with 97.5 % certainty; 0 where all cells are counted. */
function surelySelectedFrom(plan: ReleasePlan): number {
  if (plan.cells === "declared") return 0;
  const selection = selectionOf(plan);
  let [below, people] = [0, selection.certainFrom];
  while (people - below > 1) {
    const middle = Math.floor((below + people) / 2);
    if (selection.keepProbability(middle) >= (1 + CONFIDENCE) / 2) people = middle;
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

function keptOfLongTail(people: number, cells: number, shownFrom: number): Kept {
  const all = harmonic(cells);
  const kept = Math.min(cells, Math.floor(people / (all * shownFrom)));
  return { cells: kept / cells, people: harmonic(kept) / all };
}

/** 1 + 1/2 + ... + 1/n, by its expansion where that is exact to a millionth. */
function harmonic(n: number): number {
  if (n > 100) return Math.log(n) + EULER + 1 / (2 * n);
  return Array.from({ length: n }, (_, index) => 1 / (index + 1)).reduce((sum, term) => sum + term, 0);
}
