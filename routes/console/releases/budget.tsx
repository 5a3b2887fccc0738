/**
 * How much of a privacy budget is left.
 *
 * @module
 */
import type { BudgetState } from "../../../core/privacy/release/budget.ts";
import { toNumber } from "../../../core/privacy/dp/rational.ts";
import { formatDelta } from "../frame/format.ts";
import { formatDay } from "../../../core/base/time.ts";

function short(amount: number): string {
  return String(Math.round(amount * 1000) / 1000);
}

/** A budget as a bar with its figures. */
export function BudgetLine({ state: { budget, left, fromDay, toDay } }: { readonly state: BudgetState }) {
  const unit = budget.unit === "pure" ? "epsilon" : "rho";
  const [all, rest] = [toNumber(budget.amount), toNumber(left.amount)];
  return (
    <div>
      <p>
        <b>{short(rest)}</b> of {short(all)} {unit} left for the days {formatDay(fromDay)} to{" "}
        {formatDay(toDay)}
        {toNumber(budget.delta) > 0 && (
          <span class="muted">
            , delta {formatDelta(toNumber(left.delta))} of {formatDelta(toNumber(budget.delta))}
          </span>
        )}
      </p>
      <meter min={0} max={all} value={rest} aria-label="Budget left">{short(rest)}</meter>
      <p class="small muted">
        The budget bounds what all answers together can tell about one person. When it is spent, the service
        refuses to answer until the next period.
      </p>
    </div>
  );
}
