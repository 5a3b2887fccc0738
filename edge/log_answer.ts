/**
 * Answers to logs as they leave: with what the list of an anonymous route allows, and no more.
 *
 * @module
 */
import type { Rejection } from "../core/schema/validate.ts";
import { EXPOSED_HEADERS } from "./http/headers.ts";
import { describeProblem, PROBLEM_TYPE } from "./http/problem.ts";

/** An answer, and what is told of it. */
export interface LogAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** Its header fields, all of them, in the order in which the long way writes them. */
  readonly headers: [string, string][];
  /** Its body. */
  readonly body: string | ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** The code of a refusal. */
  readonly code: string | undefined;
  /** What it is counted as. */
  readonly outcome: string;
}

/** The fields before the type, in the order of their names, as the runtime sorts those of the long way. */
function openingOf(exposed: string): [string, string][] {
  return [
    ["access-control-allow-origin", "*"],
    ["access-control-expose-headers", exposed],
    ["cache-control", "no-store"],
  ];
}

const EXPOSED = EXPOSED_HEADERS.join(",");
const ACCEPTED: [string, string][] = [...openingOf(EXPOSED), ["content-type", "application/json"]];
const REPLAYED: [string, string][] = [...ACCEPTED, ["dit-replayed", "?1"]];

/** The answer to a log that was stored. */
export function storedLog(
  { accepted, rejected, replayed }: {
    readonly accepted: number;
    readonly rejected: readonly Rejection[];
    readonly replayed: boolean;
  },
): LogAnswer {
  return {
    status: 200,
    headers: replayed ? REPLAYED : ACCEPTED,
    body: rejected.length === 0
      ? `{"accepted":${accepted},"rejected":[]}`
      : JSON.stringify({ accepted, rejected }),
    code: undefined,
    outcome: replayed ? "replayed" : "accepted",
  };
}

/** The answer to a log that is refused; `exposed` is what a page of another origin may read of it. */
export function refusedLog(error: unknown, exposed: string = EXPOSED): LogAnswer {
  const { code, challenge, retryAfter, problem } = describeProblem(error);
  const headers = [...openingOf(exposed), ["content-type", PROBLEM_TYPE]] as [string, string][];
  if (retryAfter !== undefined) headers.push(["retry-after", `${retryAfter}`]);
  if (challenge !== undefined) headers.push(["www-authenticate", challenge]);
  return { status: problem.status, headers, body: JSON.stringify(problem), code, outcome: code };
}

/** The answer of another region, which took the log or refused it. */
export function forwardedLog({ status, headers, body }: Response): LogAnswer {
  const kept = openingOf(EXPOSED);
  for (const name of ["content-type", "dit-replayed", "retry-after", "www-authenticate"]) {
    const value = headers.get(name);
    if (value !== null) kept.push([name, value]);
  }
  // Its code is lost on the way.
  const stored = headers.has("dit-replayed") ? "replayed" : "accepted";
  return {
    status,
    headers: kept,
    body,
    code: undefined,
    outcome: status >= 400 ? "refused_elsewhere" : stored,
  };
}
