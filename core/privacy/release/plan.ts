/**
 * A question as it is answered: its bounds, its noise and its exact cost, fixed when its budget is reserved.
 *
 * @module
 */
import type { ReleaseQuery, ReleasesConfig } from "../../config/release_types.ts";
import type { Application } from "../../config/types.ts";
import { mechanismOf } from "../../schema/local_report.ts";
import { valueCount } from "../../schema/fields/table.ts";
import { eventOf, type EventSchema, fieldOf } from "../../schema/event.ts";
import type { FieldSchema } from "../../schema/fields/types.ts";
import {
  gaussianVariance,
  laplaceScale,
  type LossUnit,
  type PrivacyLoss,
  privacyLoss,
} from "../dp/accounting.ts";
import type { ContributionBounds } from "../dp/contributions.ts";
import { gaussianMoments, laplaceMoments, type NoiseMoments } from "../dp/noise_sum.ts";
import { PartitionSelection } from "../dp/partition.ts";
import { divide, multiply, type Rational, rational, rationalOf, ZERO } from "../dp/rational.ts";

/** Most combinations that are counted whether anybody has them or not. */
export const MAX_DECLARED_CELLS = 4_096;
/** Delta of a budget by default. */
export const DEFAULT_DELTA = 1e-6;

/** What a plan needs to know of an application. */
export type ReleasingApplication = Pick<Application, "events" | "releases" | "pseudonymSeconds">;

/**
 * What an application that releases says about it.
 * @throws {Error} If it releases nothing.
 */
export function configuredReleases({ releases }: Pick<Application, "releases">): ReleasesConfig {
  if (releases === undefined) throw new Error("The application releases nothing.");
  return releases;
}

/** Days of an application's budget periods: as configured, or of its pseudonyms. */
export function periodDays(app: ReleasingApplication): number {
  const { days } = configuredReleases(app).budget;
  if (days !== undefined) return days;
  if (app.pseudonymSeconds === undefined) {
    throw new Error("An application without pseudonyms releases nothing.");
  }
  return app.pseudonymSeconds / 86_400;
}

/** Days that an answer to a question covers: one, or those of a pseudonym. */
export function daysOf({ pseudonymSeconds }: ReleasingApplication, { over }: ReleaseQuery): number {
  return over === undefined || pseudonymSeconds === undefined ? 1 : pseudonymSeconds / 86_400;
}

/** Whether a question is answered for a day: one over a period is for the last day of each. */
export function isAskedOn(app: ReleasingApplication, query: ReleaseQuery, day: number): boolean {
  return (day + 1) % daysOf(app, query) === 0;
}

/** The amount of a budget or a question, in the unit that it is given in. */
export function amountOf({ epsilon, rho }: { epsilon?: number; rho?: number }): Rational {
  const amount = rho ?? epsilon;
  if (amount === undefined) throw new Error("Neither epsilon nor rho is configured.");
  return rationalOf(amount);
}

/** A question ready to be answered. */
export interface ReleasePlan extends ContributionBounds {
  /** The event that is counted. */
  readonly event: string;
  /** The fields by whose values it is broken down. */
  readonly by: readonly string[];
  /** Instead: the field under local differential privacy whose values are estimated. */
  readonly of?: string;
  /** The event of those among whom people are counted, where a rate is asked for. */
  readonly among?: string;
  /** Days that are counted together, up to the one that is released; absent: that one alone. */
  readonly days?: number;
  /** Whether every combination is counted, or those are named that enough people have. */
  readonly cells: "declared" | "selected";
  /** Figures below it are not published. */
  readonly threshold: number;
  /** What the answer costs. */
  readonly cost: PrivacyLoss;
}

/** How a figure is noised: a scale of discrete Laplace or a variance of discrete Gaussian noise. */
export type Noise =
  | { readonly kind: "laplace"; readonly scale: Rational }
  | { readonly kind: "gaussian"; readonly variance: Rational };

/** How many combinations of values the fields of a breakdown have; each may also be absent. */
export function cellCount(event: EventSchema, by: readonly string[]): number {
  return by.reduce((product, field) => product * (valueCount(fieldOf(event, field)) + 1), 1);
}

/**
 * The plan of a question of a checked configuration. Where it says no delta, its share of the budget's is what is there
 * for each question and day.
 */
export function planOf(app: ReleasingApplication, query: ReleaseQuery): ReleasePlan {
  const { event, by = [], of, among } = query;
  const days = daysOf(app, query);
  const { budget: { delta = DEFAULT_DELTA }, queries } = configuredReleases(app);
  const answers = rational(BigInt(periodDays(app) * Object.keys(queries).length));
  const fits = cellCount(eventOf(app, event), by) <= MAX_DECLARED_CELLS;
  const cells = query.cells ?? (fits ? "declared" : "selected");
  const unit: LossUnit = query.rho === undefined ? "pure" : "zcdp";
  const selection = query.delta === undefined ? divide(rationalOf(delta), answers) : rationalOf(query.delta);
  return {
    event,
    by,
    ...(of === undefined ? {} : { of }),
    ...(among === undefined ? {} : { among }),
    ...(days === 1 ? {} : { days }),
    cells,
    cellsPerPerson: query.cellsPerPerson ?? 1,
    eventsPerCell: query.eventsPerCell ?? 1,
    threshold: query.threshold ?? 10,
    cost: privacyLoss(
      unit,
      amountOf(query),
      cells === "selected" ? selection : ZERO,
    ),
  };
}

/** What adding up the figures of a breakdown needs to know, whatever the configuration says by then. */
export interface Breakdown {
  /** Its fields, in order. */
  readonly fields: readonly BreakdownField[];
  /** The most that a cell can have that was not selected; 0 where every cell is counted. */
  readonly mostUnseen: number;
}

/** A field of a breakdown. */
export interface BreakdownField {
  /** How many values it has, its absence among them. */
  readonly values: number;
  /** Of a field of buckets: between which measurements they lie. */
  readonly edges?: readonly number[];
}

/** The breakdown of a plan by an event as it is collected. */
export function breakdownOf(plan: ReleasePlan, event: EventSchema): Breakdown {
  return {
    fields: plan.by.map((name) => {
      const field = fieldOf(event, name);
      const values = valueCount(field) + 1;
      return field.type === "bucket" ? { values, edges: field.edges } : { values };
    }),
    mostUnseen: plan.cells === "declared" ? 0 : (selectionOf(plan).certainFrom - 1) * plan.eventsPerCell,
  };
}

/** The field whose local reports a plan estimates, and how it is randomised; undefined where it counts events. */
export function estimatedField(plan: ReleasePlan, event: EventSchema) {
  const field: FieldSchema | undefined = plan.of === undefined ? undefined : event.fields[plan.of];
  if (field === undefined) return undefined;
  const mechanism = mechanismOf(field);
  return mechanism && { field, mechanism };
}

/** What a plan's noise and, where cells are selected, the selection may each cost: halves of the amount. */
function split({ cells, cost }: ReleasePlan): { noise: Rational; selection: Rational } {
  const half = divide(cost.amount, rational(2n));
  return cells === "declared" ? { noise: cost.amount, selection: ZERO } : { noise: half, selection: half };
}

/**
 * The noise of a plan's figures. Adding or removing one person changes at most `cellsPerPerson` of them by at most
 * `eventsPerCell` each, so all together by c v in the sum and by c v^2 in the sum of squares. Of a rate a cell has two
 * counts, of people with the event and of those without, and a person is in one of them.
 */
export function noiseOf(plan: ReleasePlan): Noise {
  const { cellsPerPerson, eventsPerCell, cost } = plan;
  const { noise } = split(plan);
  const cells = BigInt(cellsPerPerson), events = BigInt(eventsPerCell);
  return cost.unit === "pure"
    ? { kind: "laplace", scale: laplaceScale(cells * events, noise) }
    : { kind: "gaussian", variance: gaussianVariance(cells * events * events, noise) };
}

/**
 * The epsilon of a plan's selection of cells. In zCDP it is the greatest multiple of 2^-20 whose square is not above
 * twice the rho: an epsilon costs a rho of epsilon^2 / 2.
 */
export function selectionEpsilon(plan: ReleasePlan): Rational {
  const { selection } = split(plan);
  if (plan.cost.unit === "pure") return selection;
  const unit = 1n << 20n;
  const square = multiply(selection, rational(2n * unit * unit));
  return rational(squareRootBelow(square.numerator / square.denominator), unit);
}

/**
 * How the cells of a plan are selected, and none of fewer people than its threshold stands for.
 * Throws a `RangeError` if its cost is so small that a cell would need more than 100,000 people.
 */
export function selectionOf(plan: ReleasePlan): PartitionSelection {
  return new PartitionSelection({
    epsilon: selectionEpsilon(plan),
    delta: plan.cost.delta,
    cellsPerPerson: plan.cellsPerPerson,
    minimumPeople: Math.max(1, Math.ceil(plan.threshold / plan.eventsPerCell)),
  });
}

/** What figures count: with one event of a person in a cell, people. */
export function countsOf({ eventsPerCell }: Pick<ReleasePlan, "eventsPerCell">): "people" | "events" {
  return eventsPerCell === 1 ? "people" : "events";
}

/** What the error of sums of figures follows from. */
export function momentsOf(noise: Noise): NoiseMoments {
  return noise.kind === "laplace" ? laplaceMoments(noise.scale) : gaussianMoments(noise.variance);
}

/** The greatest integer whose square is not above `value`. */
function squareRootBelow(value: bigint): bigint {
  let low = 0n, high = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle * middle <= value) low = middle;
    else high = middle;
  }
  return low;
}
