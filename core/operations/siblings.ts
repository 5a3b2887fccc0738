/**
 * What the processes of one machine tell each other that answer on one port: whoever asks for metrics, or whether the
 * service is ready, reaches one of them, and wants to know of all.
 *
 * @module
 */
import type { AppCounts } from "./counters.ts";
import type { Exposition } from "./prometheus.ts";

/** What each process can be asked, and what it answers. */
export interface Told {
  /** Its metrics. */
  readonly metrics: Exposition;
  /** Why it is not ready; null where it is. */
  readonly ready: string | null;
  /** Its last minutes, by their number since 1970. */
  readonly minutes: ReadonlyMap<number, AppCounts>;
}

/** What a process can be asked. */
export type Question = keyof Told;

/**
 * What came of asking another process. One that is away, since it has ended or has not begun, has no connection; one that
 * is silent may have some that wait.
 */
export type Answer<T> =
  | { readonly kind: "told"; readonly told: T }
  | { readonly kind: "away" }
  | { readonly kind: "silent" };

/** How a process answers the others. */
export type Answers = { readonly [Q in Question]: () => Promise<Told[Q]> };

/** The other processes on this process's port. */
export interface Siblings {
  /** The name of this process among them: a number from 1. */
  readonly process: string;
  /** Asks all others at once, and waits a moment. Never rejects. */
  ask<Q extends Question>(question: Q): Promise<ReadonlyMap<string, Answer<Told[Q]>>>;
}

/** What those told that told something, by the process. */
export function toldOf<T>(answers: ReadonlyMap<string, Answer<T>>): Map<string, T> {
  return new Map(
    [...answers].flatMap(([process, answer]) => answer.kind === "told" ? [[process, answer.told]] : []),
  );
}
