/**
 * What is written down and counted of an answered request: nothing that tells one client from another.
 *
 * @module
 */
import type { CountedAnswer } from "../core/operations/counters.ts";
import { isOperatorsRoute } from "../core/operations/metrics.ts";
import { CODE_HEADER } from "./http/headers.ts";
import type { RouteKind } from "./strip.ts";

/** A line about an answered request. */
export interface AccessLine {
  /** The kind of route. */
  readonly route: string;
  /** The HTTP status. */
  readonly status: number;
  /** The code of a refusal. */
  readonly code?: string;
  /** The duration, coarse. */
  readonly duration: "<10ms" | "<100ms" | "<1s" | ">=1s";
}

/** Who hears of answers. */
export interface AccessLogOptions {
  /** Hears of every answer. */
  readonly onAnswer?: ((line: AccessLine) => void) | undefined;
  /** Counts every answer, by the application too if it is one of `applications`. */
  readonly count?: ((answer: CountedAnswer) => void) | undefined;
  /** The applications that exist: what else stands in a path is made up and counted for none. */
  readonly applications?: ReadonlySet<string> | undefined;
}

/** An answer with what was asked. */
export interface Answered {
  /** The kind of route. */
  readonly kind: RouteKind;
  /** The method as it came. */
  readonly method: string;
  /** The path as it came. */
  readonly path: string;
  /** The answer; the code of its refusal is taken off it. */
  readonly response: Response;
  /** How long it took. */
  readonly milliseconds: number;
}

/** What is told of an answer. */
export interface ToldAnswer {
  /** The kind of route. */
  readonly route: string;
  /** What stands in the application's place of the path. */
  readonly app: string | undefined;
  /** The HTTP status. */
  readonly status: number;
  /** The code of a refusal. */
  readonly code: string | undefined;
  /** What it is counted as; of a batch, each log. */
  readonly outcomes: readonly string[];
  /** How long it took. */
  readonly milliseconds: number;
}

const APP_PATH = /^(?:\/acs)?\/v1\/apps\/([^/]+)\//;

/** Makes the function that tells of an answer, and counts it; of a batch, each log. */
export function accessLog(options: AccessLogOptions): (answered: Answered) => void {
  const tell = answerTeller(options);
  return function tellOf({ kind, method, path, response, milliseconds }) {
    const codes = response.headers.get(CODE_HEADER);
    if (codes !== null) response.headers.delete(CODE_HEADER);
    const { status } = response;
    tell({
      route: kind.name,
      app: APP_PATH.exec(path)?.[1],
      status,
      // Which outcomes came together is written nowhere.
      code: status < 400 || codes === null ? undefined : codes,
      // A preflight asks for nothing yet.
      outcomes: method === "OPTIONS" ? [] : codes?.split(",") ?? [outcomeOf(kind, response)],
      milliseconds,
    });
  };
}

/** Makes the function that tells of what is known of an answer. */
export function answerTeller(
  { onAnswer, count, applications }: AccessLogOptions,
): (told: ToldAnswer) => void {
  return function tell({ route, app, status, code, outcomes, milliseconds }) {
    const duration = coarse(milliseconds);
    onAnswer?.({ route, status, ...(code === undefined ? {} : { code }), duration });
    for (const outcome of outcomes) {
      count?.({
        route,
        app: app !== undefined && applications?.has(app) === true ? app : undefined,
        outcome,
        duration,
        // An anonymous request's exact duration is nobody's to know.
        ...(isOperatorsRoute(route) ? { seconds: milliseconds / 1_000 } : {}),
      });
    }
  };
}

/** What an answer without a code of ours is counted as; another region's answer has lost its code. */
function outcomeOf(kind: RouteKind, response: Response): string {
  if (response.status >= 400) return "refused_elsewhere";
  if (response.headers.has("dit-replayed")) return "replayed";
  return kind.name === "logs" ? "accepted" : "ok";
}

function coarse(milliseconds: number): AccessLine["duration"] {
  if (milliseconds < 10) return "<10ms";
  if (milliseconds < 100) return "<100ms";
  return milliseconds < 1_000 ? "<1s" : ">=1s";
}
