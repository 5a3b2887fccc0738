/**
 * The arithmetic of privacy losses: what releases cost a person together, exactly. Both units compose by addition, also
 * for releases that were chosen after seeing earlier ones.
 *
 * @module
 */
import {
  add,
  compare,
  divide,
  multiply,
  type Rational,
  rational,
  subtract,
  toNumber,
  ZERO,
} from "./rational.ts";

/**
 * The unit of a loss and of a budget.
 * - `pure`: epsilon of differential privacy (Dwork and Roth, "The Algorithmic Foundations", theorem 3.16);
 * - `zcdp`: rho of zero-concentrated differential privacy (Bun and Steinke, TCC 2016), where Gaussian noise and many
 *   releases cost less.
 */
export type LossUnit = "pure" | "zcdp";

/** What a release costs a person. */
export interface PrivacyLoss {
  /** What the amount is counted in. */
  readonly unit: LossUnit;
  /** epsilon or rho. */
  readonly amount: Rational;
  /** The chance that the amount does not bound the loss (delta; in `zcdp`, delta-approximate zCDP, section 8). */
  readonly delta: Rational;
}

/** A loss. Throws a `RangeError` unless amount >= 0 and 0 <= delta < 1. */
export function privacyLoss(unit: LossUnit, amount: Rational, delta: Rational = ZERO): PrivacyLoss {
  if (amount.numerator < 0n) throw new RangeError("Cannot account a loss: its amount is negative");
  if (delta.numerator < 0n || delta.numerator >= delta.denominator) {
    throw new RangeError("Cannot account a loss: delta is not in [0, 1)");
  }
  return { unit, amount, delta };
}

/** The loss of all of these together; of none, a loss of 0. Throws a `RangeError` if one is in another unit. */
export function compose(unit: LossUnit, losses: Iterable<PrivacyLoss>): PrivacyLoss {
  let amount = ZERO, delta = ZERO;
  for (const loss of losses) {
    checkUnit(unit, loss);
    amount = add(amount, loss.amount);
    delta = add(delta, loss.delta);
  }
  return { unit, amount, delta };
}

/** The loss of the same release `times` times. Throws a `RangeError` unless that is an integer from 0 up. */
export function repeat({ unit, amount, delta }: PrivacyLoss, times: number): PrivacyLoss {
  if (!Number.isSafeInteger(times) || times < 0) throw new RangeError(`Cannot repeat a loss ${times} times`);
  const factor = rational(BigInt(times));
  return { unit, amount: multiply(amount, factor), delta: multiply(delta, factor) };
}

/** Whether `next` may still be spent, exactly. Throws a `RangeError` if the units differ. */
export function fits(spent: PrivacyLoss, next: PrivacyLoss, budget: PrivacyLoss): boolean {
  const total = compose(budget.unit, [spent, next]);
  return compare(total.amount, budget.amount) <= 0 && compare(total.delta, budget.delta) <= 0;
}

/** What is left of a budget; nothing is left where more was spent. Throws a `RangeError` if the units differ. */
export function remaining(spent: PrivacyLoss, budget: PrivacyLoss): PrivacyLoss {
  checkUnit(budget.unit, spent);
  return {
    unit: budget.unit,
    amount: difference(budget.amount, spent.amount),
    delta: difference(budget.delta, spent.delta),
  };
}

/**
 * The least epsilon for which the loss is (epsilon, delta)-differential privacy, as a number to be shown; `delta` is on
 * top of the loss's own. For zCDP this is corollary 13 of Canonne, Kamath and Steinke (2020): the infimum over
 * alpha > 1 of alpha rho + ln(1 / (alpha delta)) / (alpha - 1) + ln(1 - 1 / alpha).
 * Throws a `RangeError` unless 0 < delta < 1.
 */
export function epsilonAt(loss: PrivacyLoss, delta: number): number {
  if (!(delta > 0 && delta < 1)) {
    throw new RangeError(`Cannot convert a loss: delta ${delta} is not between 0 and 1`);
  }
  const amount = toNumber(loss.amount);
  if (loss.unit === "pure" || amount === 0) return amount;
  const at = (logOrder: number): number => {
    const excess = Math.exp(logOrder);
    const alpha = 1 + excess;
    return alpha * amount - Math.log(alpha * delta) / excess + Math.log(excess / alpha);
  };
  // In ln(alpha - 1) the bound falls, then rises. Every alpha gives a valid bound, so that a search that stops early
  // errs to the safe side.
  let from = -30, to = 60;
  for (let step = 0; step < 200; step++) {
    const left = from + (to - from) / 3, right = to - (to - from) / 3;
    if (at(left) <= at(right)) to = right;
    else from = left;
  }
  return Math.max(0, at((from + to) / 2));
}

/**
 * The scale of discrete Laplace noise that makes integers epsilon-private: sensitivity / epsilon, where one person
 * changes all of them together by at most `sensitivity` in the sum of absolute changes.
 */
export function laplaceScale(sensitivity: bigint, epsilon: Rational): Rational {
  return divide(rational(sensitivity), epsilon);
}

/**
 * The variance parameter of discrete Gaussian noise that makes integers rho-zCDP: sensitivity^2 / (2 rho), where one
 * person changes all of them together by at most `squaredSensitivity` in the sum of squared changes
 * (Canonne, Kamath and Steinke, theorem 4).
 */
export function gaussianVariance(squaredSensitivity: bigint, rho: Rational): Rational {
  return divide(rational(squaredSensitivity), multiply(rational(2n), rho));
}

function difference(budget: Rational, spent: Rational): Rational {
  const left = subtract(budget, spent);
  return left.numerator < 0n ? ZERO : left;
}

function checkUnit(unit: LossUnit, loss: PrivacyLoss): void {
  if (loss.unit !== unit) throw new RangeError(`Cannot compose losses: ${loss.unit} with ${unit}`);
}
