/**
 * How numbers of a release are told by the API. Whatever is told of a release is either in the statement that its digest
 * covers (proof.ts) or follows from that, and is computed again by whoever verifies it (verify_release.ts).
 *
 * @module
 */
import { epsilonAt, type PrivacyLoss } from "../dp/accounting.ts";
import type { ShareEstimate } from "../dp/noised_sum.ts";
import { toNumber } from "../dp/rational.ts";
import type { Derived, Total } from "./derived.ts";
import type { Noise } from "./plan.ts";

/** Delta at which a rho is also told as an epsilon. */
const SHOWN_DELTA = 1e-6;

/** A loss in numbers; `epsilon` says what a rho means at a delta of 1e-6 more. */
export function tellLoss(loss: PrivacyLoss) {
  const amount = toNumber(loss.amount);
  return {
    ...(loss.unit === "pure" ? { epsilon: amount } : { rho: amount, epsilon: epsilonAt(loss, SHOWN_DELTA) }),
    delta: toNumber(loss.delta) + (loss.unit === "pure" ? 0 : SHOWN_DELTA),
  };
}

/** Noise in numbers. */
export function tellNoise(noise: Noise) {
  return noise.kind === "laplace"
    ? { kind: noise.kind, scale: toNumber(noise.scale) }
    : { kind: noise.kind, "standard-deviation": Math.sqrt(toNumber(noise.variance)) };
}

/** A share; JSON has no undefined. */
export function tellShare({ share, lower, upper }: ShareEstimate) {
  return { share: share ?? null, lower, upper };
}

/**
 * What follows from a release's figures; nothing where they cannot be added up. It is in the release's digest: where it
 * is to be derived otherwise, what was published before has to be derived as it was.
 */
export function tellDerived(derived: Derived | undefined) {
  if (derived === undefined) return {};
  const { all, values, quantiles } = derived;
  return {
    totals: {
      all: tellTotal(all),
      values: values.map(({ share, field, value, ...total }) => ({
        field,
        value,
        ...tellTotal(total),
        share: tellShare(share),
      })),
    },
    quantiles,
  };
}

function tellTotal({ rate, ...total }: Total) {
  return { ...total, ...(rate === undefined ? {} : { rate: tellShare(rate) }) };
}
