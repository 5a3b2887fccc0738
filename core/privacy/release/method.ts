/**
 * How a release was made, in words and exact fractions that are kept with it, so that whoever reads its figures can
 * compute its noise, its threshold and its intervals again.
 *
 * @module
 */
import type { EventSchema } from "../../schema/event.ts";
import { privacyLoss } from "../dp/accounting.ts";
import { type Rational, rational } from "../dp/rational.ts";
import {
  cellCount,
  estimatedField,
  noiseOf,
  type ReleasePlan,
  selectionEpsilon,
  selectionOf,
} from "./plan.ts";
import { CONFIDENCE } from "./shown.ts";

/** How a release was made. Fractions are texts, such as `1/8` or `7`. */
export interface Method {
  /** The version of the code that made it. */
  readonly code: string;
  /** The noise (Canonne, Kamath and Steinke 2020), sampled exactly on integers. */
  readonly mechanism: "discrete-laplace" | "discrete-gaussian";
  /** Its parameter: the scale of Laplace noise, the variance of Gaussian noise. */
  readonly parameter: string;
  /** What of one person was counted at most; everything else was dropped before noise was added. */
  readonly clamps: { readonly "cells-per-person": number; readonly "events-per-cell": number };
  /** What it cost: epsilon or rho, and a delta. */
  readonly cost: { readonly unit: "epsilon" | "rho"; readonly amount: string; readonly delta: string };
  /** Which cells were counted: all that are declared, so many, or those that enough people have. */
  readonly cells: { readonly declared: number } | { readonly selected: SelectionMethod };
  /** Figures below it were not published. */
  readonly threshold: number;
  /**
   * Nor those below this, which is no less: the figures near it have intervals that begin at 0 (`shown.ts`). Absent in a
   * release of before, whose intervals do not know what was shown.
   */
  readonly "shown-from"?: number;
  /** Confidence of the intervals. */
  readonly confidence: number;
  /** Where reports under local differential privacy were counted: how the devices randomised. */
  readonly "local-dp"?: LocalDpMethod;
}

/** How devices randomised what was counted, and how many reports there were: noised, as each of their counts is. */
export interface LocalDpMethod {
  /** What a report cost. */
  readonly epsilon: number;
  /** How many values the field has. */
  readonly values: number;
  /** How many reports there were. */
  readonly reports: number;
}

/** Optimal partition selection (Desfontaines et al., PoPETs 2022), with its share of the cost. */
export interface SelectionMethod {
  /** What it cost. */
  readonly epsilon: string;
  /** The chance of a loss beyond it. */
  readonly delta: string;
  /** No cell of fewer people was named. */
  readonly "minimum-people": number;
  /** Cells of as many people were named for certain. */
  readonly "certain-from": number;
}

/** Where a release is bound to the audit log. */
export interface Proof {
  /** Base64url of 32 random bytes. */
  readonly salt: string;
  /** SHA-256 of what is published, in hex. */
  readonly digest: string;
  /** The number of the entry of the audit log that holds it. */
  readonly entry: number;
  /** Which form of statement is digested; absent: the first one, without totals and quantiles. */
  readonly statement?: 2;
}

/** How a plan is carried out by a version of the code, with what its figures say of it. */
export function methodOf(
  plan: ReleasePlan,
  event: EventSchema,
  { code, shownFrom, reports = 0 }: {
    readonly code: string;
    readonly shownFrom: number;
    readonly reports?: number | undefined;
  },
): Method {
  const { cost: { unit, amount, delta }, threshold } = plan;
  const estimated = estimatedField(plan, event);
  return {
    code,
    ...mechanismOf(plan),
    clamps: { "cells-per-person": plan.cellsPerPerson, "events-per-cell": plan.eventsPerCell },
    cost: {
      unit: unit === "pure" ? "epsilon" : "rho",
      amount: formatFraction(amount),
      delta: formatFraction(delta),
    },
    cells: plan.cells === "selected"
      ? { selected: selectionMethod(plan) }
      : { declared: estimated?.mechanism.domainSize ?? cellCount(event, plan.by) },
    threshold,
    "shown-from": shownFrom,
    confidence: CONFIDENCE,
    ...(estimated === undefined ? {} : {
      "local-dp": { epsilon: estimated.mechanism.epsilon, values: estimated.mechanism.domainSize, reports },
    }),
  };
}

/** The noise of a plan, and its parameter. */
export function mechanismOf(plan: ReleasePlan): Pick<Method, "mechanism" | "parameter"> {
  const noise = noiseOf(plan);
  return noise.kind === "laplace"
    ? { mechanism: "discrete-laplace", parameter: formatFraction(noise.scale) }
    : { mechanism: "discrete-gaussian", parameter: formatFraction(noise.variance) };
}

/** The selection of a plan's cells. */
export function selectionMethod(plan: ReleasePlan): SelectionMethod {
  const selection = selectionOf(plan);
  return {
    epsilon: formatFraction(selectionEpsilon(plan)),
    delta: formatFraction(plan.cost.delta),
    "minimum-people": selection.minimumPeople,
    "certain-from": selection.certainFrom,
  };
}

/**
 * The plan that a method says that it carried out: what its noise and its selection follow from.
 * @throws {RangeError} If its fractions are none.
 */
export function planOfMethod({ clamps, cost, cells, threshold }: Method): ReleasePlan {
  return {
    event: "",
    by: [],
    cells: "declared" in cells ? "declared" : "selected",
    cellsPerPerson: clamps["cells-per-person"],
    eventsPerCell: clamps["events-per-cell"],
    threshold,
    cost: privacyLoss(
      cost.unit === "epsilon" ? "pure" : "zcdp",
      parseFraction(cost.amount),
      parseFraction(cost.delta),
    ),
  };
}

/** A fraction as a text. */
export function formatFraction({ numerator, denominator }: Rational): string {
  return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
}

function parseFraction(text: string): Rational {
  const match = /^([0-9]{1,400})(?:\/([0-9]{1,400}))?$/.exec(text);
  if (match === null) throw new RangeError(`${text} is no fraction`);
  const [, numerator = "", denominator = "1"] = match;
  return rational(BigInt(numerator), BigInt(denominator));
}
