/**
 * What was refused, and why.
 *
 * @module
 */
import { drawnCount, formatMany } from "../frame/format.ts";
import { Badge, type Tone } from "../frame/parts.tsx";
import type { Overview } from "./read.ts";
import { type Reason, reasonOf } from "./reasons.ts";

const ROUTES: Readonly<Record<string, string>> = {
  logs: "log",
  tokens: "token request",
  acs: "other server",
  events: "event in a log",
};

const KINDS: Readonly<Record<Reason["kind"], readonly [tone: Tone, word: string]>> = {
  attack: ["bad", "possible attack"],
  client: ["warn", "client bug"],
  normal: ["plain", "normal"],
  service: ["warn", "look here"],
};

/** The table of reasons, most frequent first. */
export function Refusals({ counts: { refusals: all, day, apps } }: { readonly counts: Overview }) {
  // The order of a few would tell which of them are fewer.
  const refusals = all.toSorted((a, b) =>
    drawnCount(b.day) - drawnCount(a.day) || (a.code < b.code ? -1 : 1)
  );
  if (refusals.length === 0) {
    return <p class="empty">Nothing was refused in the last 24 hours.</p>;
  }
  const most = Math.max(...refusals.map((refusal) => drawnCount(refusal.day)));
  const others = refusals.filter(({ route }) => route !== "logs" && route !== "events")
    .reduce((sum, refusal) => sum + refusal.day, 0);
  return (
    <>
      <p>
        <b>{formatMany(day.refused)}</b>{" "}
        logs were refused in the last 24 hours.{others > 0 && (
          <span class="muted">
            {" "}
            {formatMany(others)} other requests were refused too.
          </span>
        )}
      </p>
      <table class="flow">
        <thead>
          <tr>
            <th scope="col">Reason</th>
            {apps.length > 1 && <th scope="col">Application</th>}
            <th scope="col">What</th>
            <th scope="col">Meaning</th>
            <th scope="col" class="number">This hour</th>
            <th scope="col" class="number">24 hours</th>
            <th scope="col">
              <span class="sr">Share</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {refusals.map(({ app, route, code, thisHour, day }) => {
            const { what, why, kind } = reasonOf(code);
            const [tone, word] = KINDS[kind];
            return (
              <tr>
                <th scope="row" class="wide">
                  {what} <code class="muted">{code}</code>
                  <div class="why">{why}</div>
                </th>
                {apps.length > 1 && <td class="nowrap">{app === "" ? "none" : app}</td>}
                <td class="nowrap">{ROUTES[route] ?? route}</td>
                <td>
                  <Badge tone={tone}>{word}</Badge>
                </td>
                <td class="number" data-label="this hour">{formatMany(thisHour)}</td>
                <td class="number" data-label="24 hours">
                  <b>{formatMany(day)}</b>
                </td>
                <td class="share">
                  <meter
                    min={0}
                    max={most}
                    value={drawnCount(day)}
                    aria-label={`${what}: share of the most frequent`}
                  />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}
