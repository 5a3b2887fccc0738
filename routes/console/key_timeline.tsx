/**
 * The lives of an application's keys as bars over time.
 *
 * @module
 */
import type { ListedKey } from "../../core/keys/operations.ts";
import { formatMoment } from "./format.ts";

const LABELS = 132;
const WIDTH = 1_000;
const ROW = 26;
const TOP = 24;

/** What of a key's life a bar shows. */
interface Bar {
  readonly from: number;
  readonly to: number;
  readonly kind: "scheduled" | "issuing" | "redeeming" | "revoked" | "over";
}

/** The stretches of a key's life: it issues, then only redeems; a replaced or revoked one does less. */
function barsOf({ state, notBefore, issueUntil, redeemUntil }: ListedKey, now: number): Bar[] {
  if (state === "revoked" || state === "over") return [{ from: notBefore, to: redeemUntil, kind: state }];
  if (state === "redeeming" && now < issueUntil) {
    return [{ from: notBefore, to: redeemUntil, kind: "redeeming" }];
  }
  return [
    { from: notBefore, to: issueUntil, kind: state === "scheduled" ? "scheduled" : "issuing" },
    { from: issueUntil, to: redeemUntil, kind: state === "scheduled" ? "scheduled" : "redeeming" },
  ];
}

/** Draws the keys, oldest first, with the present as a line. The table of keys says the same in words. */
export function KeyTimeline({ keys, now }: { readonly keys: readonly ListedKey[]; readonly now: number }) {
  const from = Math.min(...keys.map(({ notBefore }) => notBefore));
  const to = Math.max(...keys.map(({ redeemUntil }) => redeemUntil));
  const x = (seconds: number) =>
    Math.round((LABELS + (seconds - from) / (to - from) * (WIDTH - LABELS - 8)) * 10) / 10;
  const height = TOP + keys.length * ROW + 4;
  const marks = Array.from({ length: 6 }, (_, index) => from + (to - from) * index / 6);
  return (
    <>
      <div class="scroll" tabindex={0} role="region" aria-label="Timeline">
        <svg
          class="timeline"
          viewBox={`0 0 ${WIDTH} ${height}`}
          role="img"
          aria-label="Lives of the keys; the table below has the dates"
        >
          {marks.map((mark) => (
            <>
              <line class="grid" x1={x(mark)} x2={x(mark)} y1={TOP - 6} y2={height} />
              <text x={x(mark) + 3} y={12}>{formatMoment(mark).slice(5)}</text>
            </>
          ))}
          {keys.map((key, index) => {
            const y = TOP + index * ROW;
            return (
              <>
                <text class="name" x={0} y={y + 15}>{key.epoch}.{key.generation}</text>
                <text x={58} y={y + 15}>{key.state}</text>
                {barsOf(key, now).map((bar) => (
                  <rect
                    class={bar.kind}
                    x={x(bar.from)}
                    y={y + 5}
                    width={Math.max(2, x(bar.to) - x(bar.from))}
                    height={14}
                    rx={3}
                  />
                ))}
              </>
            );
          })}
          {now >= from && now <= to && <line class="now" x1={x(now)} x2={x(now)} y1={TOP - 6} y2={height} />}
        </svg>
      </div>
      <ul class="keyline">
        <li class="issuing">signs new tokens</li>
        <li class="redeeming">takes logs with its tokens</li>
        <li class="scheduled">published ahead</li>
        <li class="revoked">revoked: nothing under it counts</li>
        <li>over: its secret is destroyed</li>
      </ul>
    </>
  );
}
