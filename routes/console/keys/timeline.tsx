/**
 * The lives of an application's keys as bars over time.
 *
 * @module
 */
import type { ListedKey } from "../../../core/keys/listed_keys.ts";
import { formatDay } from "../../../core/base/time.ts";
import { formatMoment } from "../frame/format.ts";
import type { DestroyedEpoch } from "./view.ts";

const LABELS = 140;
const WIDTH = 1_000;
const ROW = 26;
const TOP = 24;
const DAY = 86_400;

/** Seconds between two marks: the first that does not crowd. */
const STEPS = [3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY];
const MAX_MARKS = 7;

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
export function KeyTimeline({ keys, destroyed, now }: {
  readonly keys: readonly ListedKey[];
  readonly destroyed: DestroyedEpoch | undefined;
  readonly now: number;
}) {
  const rows = [
    ...(destroyed === undefined ? [] : [{
      name: `${destroyed.epoch}`,
      word: "destroyed",
      bars: [{ from: destroyed.notBefore, to: destroyed.redeemUntil, kind: "over" as const }],
    }]),
    ...keys.map((key) => ({
      name: `${key.epoch}.${key.generation}`,
      word: key.state === "over" ? "destroyed" : key.state,
      bars: barsOf(key, now),
    })),
  ];
  const from = Math.min(...rows.flatMap(({ bars }) => bars.map((bar) => bar.from)));
  const to = Math.max(...keys.map(({ redeemUntil }) => redeemUntil));
  const x = (seconds: number) =>
    Math.round((LABELS + (seconds - from) / (to - from) * (WIDTH - LABELS - 8)) * 10) / 10;
  const height = TOP + rows.length * ROW + 4;
  const marks = marksOf(from, to);
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
              <text x={x(mark) + 3} y={12}>
                {mark % DAY === 0 ? formatDay(mark / DAY) : formatMoment(mark).slice(5)}
              </text>
            </>
          ))}
          {rows.map(({ name, word, bars }, index) => {
            const y = TOP + index * ROW;
            return (
              <>
                <text class="name" x={0} y={y + 15}>{name}</text>
                <text x={64} y={y + 15}>{word}</text>
                {bars.map((bar) => (
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

/** Moments at which the time is written: whole hours or days. */
function marksOf(from: number, to: number): number[] {
  const step = STEPS.find((seconds) => (to - from) / seconds <= MAX_MARKS) ??
    Math.ceil((to - from) / MAX_MARKS);
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, index) => first + index * step)
    .filter((mark) => mark < to);
}
